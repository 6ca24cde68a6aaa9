// Package kubernetes says which Kubernetes is linked into this program.
//
// [Version] is the version of the module k8s.io/kubernetes. Importing the package is enough for everything
// that is linked to know it: what clients ask of the API server, and what kubectl says of itself.
package kubernetes

import (
	"fmt"
	"runtime/debug"
	"strings"
	_ "unsafe" // for go:linkname

	"k8s.io/component-base/version"
)

// module is the one whose version is that of all of Kubernetes.
const module = "k8s.io/kubernetes"

// fallback is the version in go.mod, for a binary that has no build information. It is the only place
// beside go.mod that names the version; a test compares them.
const fallback = "v1.37.2"

// Version returns the version of the linked Kubernetes: v1.37.2.
func Version() string { return version.Get().GitVersion }

// Upstream's release scripts set these variables of k8s.io/component-base/version with the flag -X of the linker.
// SetDynamicVersion alone cannot: it refuses a version that differs from gitVersion in more than its suffix.
// Here they are set from the build information, so that "go install" is enough. The path of this package sorts
// before k8s.io, so it is initialised before every package that asks for the version in its own initialisation,
// except component-base/version. Risk: a variable that is renamed upstream is silently not set; a test asks
// for all three.

//go:linkname gitVersion k8s.io/component-base/version.gitVersion
var gitVersion string

//go:linkname gitMajor k8s.io/component-base/version.gitMajor
var gitMajor string

//go:linkname gitMinor k8s.io/component-base/version.gitMinor
var gitMinor string

func init() {
	info, _ := debug.ReadBuildInfo()
	gitVersion = linked(info)
	gitMajor, gitMinor = numbers(gitVersion)
	if err := version.SetDynamicVersion(gitVersion); err != nil {
		panic(fmt.Sprintf("setting the version of Kubernetes: %v", err))
	}
}

// linked returns the version of the module in the build information, or the fallback.
func linked(info *debug.BuildInfo) string {
	if info == nil {
		return fallback
	}
	for _, m := range info.Deps {
		if m.Path == module && strings.HasPrefix(m.Version, "v1.") {
			return m.Version
		}
	}
	return fallback
}

// numbers returns the major and the minor number of a version.
func numbers(version string) (major, minor string) {
	parts := strings.SplitN(strings.TrimPrefix(version, "v"), ".", 3)
	if len(parts) < 3 {
		return "", ""
	}
	return parts[0], parts[1]
}
