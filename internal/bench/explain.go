package main

import (
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/seatrial/seatrial/internal/modcache"
	"github.com/seatrial/seatrial/schema"
)

// look is one thing that explain is asked for, and the time and memory that the project allows it.
type look struct {
	contender
	wall string // most; "" for none
	fold bool   // writes a folder of pages: once a round is enough
}

// looks measures explain, and kubectl's own beside it, which asks a live cluster on this machine.
func looks(seatrial, bin string, rounds int) (page string, err error) {
	kubectl := filepath.Join(bin, "kubectl")
	if err := buildKubectl(kubectl); err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "seatrial-bench-explain-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	live := cluster{seatrial, dir}
	if _, err := live.up(); err != nil {
		return "", err
	}
	defer func() {
		if e := live.down(); err == nil {
			err = e
		}
	}()
	explain := func(wall string, args ...string) look {
		return look{
			contender{
				name: "seatrial explain " + strings.Join(args, " "),
				args: append([]string{seatrial, "explain"}, args...),
			},
			wall, false,
		}
	}
	pages := look{
		contender{
			name: "seatrial explain -o html (all kinds of a version)",
			args: []string{seatrial, "explain", "-o", "html", "--output-dir", filepath.Join(dir, "one")},
		},
		"10 s", true,
	}
	all := look{
		contender{
			name: "seatrial explain -o html --kubernetes-version all",
			args: []string{
				seatrial, "explain", "-o", "html", "--kubernetes-version", "all", "--output-dir",
				filepath.Join(dir, "all"),
			},
		},
		"", true,
	}
	list := []look{
		explain("60 ms", "deployment.spec"),
		{
			contender{
				name: "kubectl explain deployment.spec",
				args: []string{
					kubectl, "--context", "seatrial", "--kubeconfig", live.kubeconfig(), "--cache-dir",
					filepath.Join(dir, "cache"), "explain", "deployment.spec",
				},
			},
			"", false,
		},
		explain("120 ms", "-o", "json", "pod"),
		explain("150 ms", "--search", "graceful termination"),
		explain("", "--history", "pod.spec"),
		explain("", "--diff", "1.25.."+schema.Latest),
		pages, all,
	}
	samples := make([][]sample, len(list))
	for round := range 4 * rounds {
		for i, l := range list {
			if l.fold && round >= rounds {
				continue
			}
			s, err := once(l.contender)
			if err != nil {
				return "", err
			}
			samples[i] = append(samples[i], s)
		}
	}
	var b strings.Builder
	b.WriteString("\n## Explain\n\nProcess start to exit. kubectl (the release of the linked Kubernetes, its discovery cached) asks a live cluster of `seatrial up` on the same machine; in turns, the medians.\n\n" +
		"| command | wall | allowed | CPU | memory |\n|---|---|---|---|---|\n")
	for i, l := range list {
		m := medianOf(samples[i])
		fmt.Fprintf(
			&b, "| `%s` | %.0f ms | %s | %.0f ms | %d MB |\n", l.name, m.wall.Seconds()*1000, l.wall,
			m.cpu.Seconds()*1000, m.rss>>20,
		)
	}
	return b.String(), nil
}

// kubectlMain is the program that k8s.io/kubernetes/cmd/kubectl is, which cannot be built on its own.
const kubectlMain = `package main

import (
	"k8s.io/component-base/cli"
	"k8s.io/kubectl/pkg/cmd"
	"k8s.io/kubectl/pkg/cmd/util"
)

func main() {
	if err := cli.RunNoErrOutput(cmd.NewDefaultKubectlCommand()); err != nil {
		util.CheckErr(err)
	}
}
`

// buildKubectl builds the kubectl of the linked Kubernetes, unless it is there, in a module of its own.
func buildKubectl(program string) error {
	if _, err := os.Stat(program); err == nil {
		return nil
	}
	log.Printf("building kubectl")
	dir, err := os.MkdirTemp("", "seatrial-bench-kubectl-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte(kubectlMain), 0o600); err != nil {
		return err
	}
	version, err := modcache.Version("k8s.io/kubectl")
	if err != nil {
		return err
	}
	for _, args := range [][]string{
		{"mod", "init", "kubectl"}, {"get", "k8s.io/kubectl@" + version, "k8s.io/component-base@" + version},
		{"mod", "tidy"}, {"build", "-ldflags", "-s -w", "-o", program, "."},
	} {
		cmd := exec.Command("go", args...)
		cmd.Dir = dir
		if text, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("building kubectl: go %s: %w\n%s", strings.Join(args, " "), err, text)
		}
	}
	return nil
}
