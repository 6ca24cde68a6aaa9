package rules

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/seatrial/seatrial/internal/diag"
	"github.com/seatrial/seatrial/lint"
)

var imageRules = []*lint.Rule{
	{
		Name: "image-tag-latest", Title: "image without a tag, or with the tag latest", Severity: diag.Warning, Category: "images",
		Doc: "What the name stands for changes over time: two pods of one ReplicaSet may run different programs, and a rollback brings nothing back. Name a version, or a digest.",
		URL: "https://kubernetes.io/docs/concepts/containers/images/#image-names",
		Check: eachContainer(func(p *lint.Pass, c *corev1.Container, path string) {
			tag, digest := imageVersion(c.Image)
			switch {
			case digest != "" || tag != "" && tag != "latest" || c.Image == "":
			case tag == "":
				p.Report(lint.Finding{Path: path + ".image", Message: fmt.Sprintf("image %q has no tag, which means latest", c.Image), Detail: "name a version: what latest stands for changes"})
			default:
				p.Report(lint.Finding{Path: path + ".image", Message: fmt.Sprintf("image %q has the tag latest", c.Image), Detail: "name a version: what latest stands for changes"})
			}
		}),
	},
	{
		Name: "image-not-digest-pinned", Title: "image that is not pinned by its digest", Severity: diag.Info, Category: "images", Optional: true,
		Doc: "A tag can be moved to another image; a digest cannot.",
		Check: eachContainer(func(p *lint.Pass, c *corev1.Container, path string) {
			if _, digest := imageVersion(c.Image); digest == "" && c.Image != "" {
				p.Report(lint.Finding{Path: path + ".image", Message: fmt.Sprintf("image %q is not pinned by digest", c.Image), Detail: "append @sha256:... of the image that was tested"})
			}
		}),
	},
	{
		Name: "image-pull-policy-not-always", Title: "imagePullPolicy other than Always", Severity: diag.Info, Category: "images", Optional: true,
		Doc: "Without Always a node uses an image that it has, without asking the registry whether the pod may pull it.",
		Check: eachContainer(func(p *lint.Pass, c *corev1.Container, path string) {
			if c.ImagePullPolicy != corev1.PullAlways {
				p.Report(lint.Finding{Path: path + ".imagePullPolicy", Message: fmt.Sprintf("imagePullPolicy of container %s is %s", c.Name, c.ImagePullPolicy)})
			}
		}),
	},
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

// eachContainer makes a check of one that looks at each container, init containers too.
func eachContainer(f func(p *lint.Pass, c *corev1.Container, path string)) func(*lint.Pass) error {
	return func(p *lint.Pass) error {
		p.Containers(func(c *corev1.Container, path string, _ bool) { f(p, c, path) })
		return nil
	}
}
