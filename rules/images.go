package rules

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/distribution/reference"
	corev1 "k8s.io/api/core/v1"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/lint"
	"github.com/seatrial/seatrial/manifest/syntax"
)

var imageRules = []*lint.Rule{
	{
		Name:        "image-reference-invalid",
		Equivalents: "kubescape C-0306",
		Title:       "image that no node can pull, because its name is none",
		Severity:    diag.Error,
		Category:    "images",
		Doc: "The API server accepts any text as an image. The kubelet reads it as a reference, `registry/repository:tag` or " +
			"`registry/repository@digest`, and leaves the container waiting with InvalidImageName if it cannot.",
		URL: "https://kubernetes.io/docs/concepts/containers/images/#image-names",
		Check: eachImage(func(p *lint.Pass, image, path string) {
			problem := imageProblem(image)
			if problem == "" {
				return
			}
			finding := lint.Finding{
				Path:    path,
				Message: fmt.Sprintf("image %q is not a reference that a node can pull: %s", image, problem),
				Help:    "write registry/repository:tag in lower case",
			}
			if meant := imageMeant(image); meant != "" {
				finding.Help = fmt.Sprintf("did you mean %s?", meant)
				finding.Fixes = []lint.PathFix{{Path: path, NewText: strconv.Quote(meant), Message: "write " + meant}}
			}
			p.Report(finding)
		}),
	},
	{
		Name:     "image-tag-latest",
		Title:    "image without a tag, or with the tag latest",
		Severity: diag.Warning,
		Category: "images",
		Doc: "What the name stands for changes over time: two pods of one ReplicaSet may run different " +
			"programs, and a rollback brings nothing back. Name a version, or a digest.",
		URL: "https://kubernetes.io/docs/concepts/containers/images/#image-names",
		Equivalents: "kube-linter latest-tag, kube-score container-image-tag, polaris tagNotSpecified, popeye 100 " +
			"and 101, datree 1, monokle KBP001 and KSV013, checkov CKV_K8S_14, kubescape C-0075",
		Check: eachImage(func(p *lint.Pass, image, path string) {
			tag, digest := imageVersion(image)
			switch {
			case digest != "" || tag != "" && tag != "latest" || imageProblem(image) != "":
			case tag == "":
				p.Report(lint.Finding{
					Path:    path,
					Message: fmt.Sprintf("image %q has no tag, which means latest", image),
					Help:    "name a version: what latest stands for changes",
				})
			default:
				p.Report(lint.Finding{
					Path:    path,
					Message: fmt.Sprintf("image %q has the tag latest", image),
					Help:    "name a version: what latest stands for changes",
				})
			}
		}),
	},
	{
		Name:     "image-not-digest-pinned",
		Title:    "image that is not pinned by its digest",
		Severity: diag.Info,
		Category: "images",
		Optional: true,
		Doc: "A tag can be moved to another image; a digest cannot. A digest of the algorithms sha256, sha512 and blake3 has to " +
			"be of their length.",
		URL:         "https://github.com/opencontainers/image-spec/blob/main/descriptor.md#digests",
		Equivalents: "datree 23, checkov CKV_K8S_43, kubescape C-0306",
		Params: []lint.Param{{
			Name: "except", Doc: "repositories, or the beginnings of their paths, whose images need no digest",
			Default: []string{},
		}},
		Check: eachImage(func(p *lint.Pass, image, path string) {
			_, digest := imageVersion(image)
			excepted := func(repository string) bool { return ofRepository(image, repository) }
			if !pins(digest) && !slices.ContainsFunc(p.Params.List("except"), excepted) {
				p.Report(lint.Finding{
					Path:    path,
					Message: fmt.Sprintf("image %q is not pinned by digest", image),
					Help:    "append @sha256:... of the image that was tested",
				})
			}
		}),
	},
	{
		Name:     "image-pull-policy-not-always",
		Title:    "imagePullPolicy other than Always",
		Severity: diag.Info,
		Category: "images",
		Optional: true,
		Doc: "Without Always a node uses an image that it has, without asking the registry whether the pod " +
			"may pull it. Images named by digest are passed over: they cannot change.",
		Equivalents: "kube-score container-image-pull-policy, polaris pullPolicyNotAlways, checkov CKV_K8S_15, " +
			"kubescape C-0075",
		Check: eachContainer(func(p *lint.Pass, c *corev1.Container, path string) {
			if _, digest := imageVersion(c.Image); digest == "" && c.ImagePullPolicy != corev1.PullAlways {
				p.Report(lint.Finding{
					Path:    path + ".imagePullPolicy",
					Message: fmt.Sprintf("imagePullPolicy of container %s is %s", c.Name, c.ImagePullPolicy),
					Help:    "set imagePullPolicy: Always",
					Fixes:   setting(path+".imagePullPolicy", "Always"),
				})
			}
		}),
	},
}

// imageProblem returns why an image is no reference; empty if it is one. The kubelet reads references with the same
// library.
func imageProblem(image string) string {
	lookalike := func(r rune) bool { _, _, ok := syntax.Lookalike(r); return ok } // package lint has said so
	if strings.ContainsFunc(image, lookalike) || strings.Contains(image, "$(") || strings.Contains(image, "${") ||
		strings.Contains(image, "{{") {
		return ""
	}
	if _, err := reference.ParseNormalizedNamed(image); err != nil {
		return err.Error()
	}
	return ""
}

// imageMeant returns the reference that was most likely meant; empty if there is none.
func imageMeant(image string) string {
	meant := strings.ReplaceAll(image, " ", "")
	if _, rest, isURL := strings.Cut(meant, "://"); isURL {
		meant = rest
	}
	meant = strings.TrimRight(strings.Trim(meant, "\"'"), ":/@")
	if imageProblem(meant) != "" {
		name, version := meant, ""
		if i := strings.LastIndexByte(meant, ':'); i > strings.LastIndexByte(meant, '/') {
			name, version = meant[:i], meant[i:]
		}
		meant = strings.ToLower(name) + version
	}
	if meant == "" || imageProblem(meant) != "" {
		return ""
	}
	return meant
}

// imageVersion takes the tag and the digest out of an image's name. A colon before the last slash
// is that of the registry's port.
func imageVersion(image string) (tag, digest string) {
	image, digest, _ = strings.Cut(image, "@")
	if i := strings.LastIndexByte(image, ':'); i > strings.LastIndexByte(image, '/') {
		tag = image[i+1:]
	}
	return tag, digest
}

var (
	digestForm    = regexp.MustCompile(`^([a-z0-9]+(?:[.+_-][a-z0-9]+)*):([a-zA-Z0-9=_-]+)$`)
	digestLengths = map[string]int{"sha256": 64, "sha512": 128, "blake3": 64} // of the registered algorithms, in hex
	lowerHex      = regexp.MustCompile(`^[0-9a-f]+$`)
)

// pins reports whether a digest is one by the grammar of the OCI: of a registered algorithm in the form that it asks
// for, or of any other.
func pins(digest string) bool {
	m := digestForm.FindStringSubmatch(digest)
	if m == nil {
		return false
	}
	length, registered := digestLengths[m[1]]
	return !registered || len(m[2]) == length && lowerHex.MatchString(m[2])
}

// ofRepository reports whether an image is of a repository, or of one below a path: shop of shop/api:v1, not of
// shopping.
func ofRepository(image, repository string) bool {
	rest, ok := strings.CutPrefix(image, strings.TrimSuffix(repository, "/"))
	return ok && (rest == "" || strings.ContainsRune("/:@", rune(rest[0])))
}

// goImport is what an image begins with that names a Go package: ko builds it, and writes its image in its place,
// before the manifest is applied.
const goImport = "ko://"

// eachImage makes a check of one that looks at each image, those that are mounted as volumes too.
func eachImage(f func(p *lint.Pass, image, path string)) func(*lint.Pass) error {
	named := func(p *lint.Pass, image, path string) {
		if image != "" && !strings.HasPrefix(image, goImport) {
			f(p, image, path)
		}
	}
	containers := eachContainer(
		func(p *lint.Pass, c *corev1.Container, path string) { named(p, c.Image, path+".image") },
	)
	volumes := eachVolume(func(p *lint.Pass, v *corev1.Volume, path string) {
		if v.Image != nil {
			named(p, v.Image.Reference, path+".image.reference")
		}
	})
	return func(p *lint.Pass) error { return errors.Join(containers(p), volumes(p)) }
}

// eachContainer makes a check of one that looks at each container, init containers too.
func eachContainer(f func(p *lint.Pass, c *corev1.Container, path string)) func(*lint.Pass) error {
	return func(p *lint.Pass) error {
		p.Containers(func(c *corev1.Container, path string, _ bool) { f(p, c, path) })
		return nil
	}
}
