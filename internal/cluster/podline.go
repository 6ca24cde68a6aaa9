package cluster

import (
	"fmt"
	"strconv"
	"strings"
	"sync"

	v1 "k8s.io/api/core/v1"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	api "k8s.io/kubernetes/pkg/apis/core"
	"k8s.io/kubernetes/pkg/printers"
	printersinternal "k8s.io/kubernetes/pkg/printers/internalversion"
)

// PodLine is what `get pods` shows of a pod.
type PodLine struct {
	Ready    string // 1/2
	Status   string // Running, Completed, CrashLoopBackOff, Terminating, ...
	Restarts int
}

var tables = sync.OnceValue(func() *printers.HumanReadableGenerator {
	return printers.NewTableGenerator().With(printersinternal.AddHandlers)
})

// LineOf prints a pod as the API server does for clients that ask for a table.
func LineOf(pod *v1.Pod) (PodLine, error) {
	var internal api.Pod
	if err := legacyscheme.Scheme.Convert(pod, &internal, nil); err != nil {
		return PodLine{}, fmt.Errorf("printing pod %s: %w", pod.Name, err)
	}
	table, err := tables().GenerateTable(&internal, printers.GenerateOptions{})
	if err != nil || len(table.Rows) != 1 || len(table.Rows[0].Cells) < 4 {
		return PodLine{}, fmt.Errorf("printing pod %s: %w", pod.Name, err)
	}
	cells := table.Rows[0].Cells
	line := PodLine{Ready: fmt.Sprint(cells[1]), Status: fmt.Sprint(cells[2])}
	count, _, _ := strings.Cut(fmt.Sprint(cells[3]), " ")
	line.Restarts, err = strconv.Atoi(count)
	return line, err
}
