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

// PodStatus is what `get pods` shows of a pod.
type PodStatus struct {
	Ready    string // 1/2
	Status   string // Running, Completed, CrashLoopBackOff, Terminating, ...
	Restarts int
}

var tables = sync.OnceValue(func() *printers.HumanReadableGenerator {
	return printers.NewTableGenerator().With(printersinternal.AddHandlers)
})

// PrintedStatus prints a pod as the API server does for clients that ask for a table.
func PrintedStatus(pod *v1.Pod) (PodStatus, error) {
	var internal api.Pod
	if err := legacyscheme.Scheme.Convert(pod, &internal, nil); err != nil {
		return PodStatus{}, fmt.Errorf("printing pod %s: %w", pod.Name, err)
	}
	table, err := tables().GenerateTable(&internal, printers.GenerateOptions{})
	if err != nil || len(table.Rows) != 1 || len(table.Rows[0].Cells) < 4 {
		return PodStatus{}, fmt.Errorf("printing pod %s: %w", pod.Name, err)
	}
	cells := table.Rows[0].Cells
	line := PodStatus{Ready: fmt.Sprint(cells[1]), Status: fmt.Sprint(cells[2])}
	count, _, _ := strings.Cut(fmt.Sprint(cells[3]), " ")
	line.Restarts, err = strconv.Atoi(count)
	return line, err
}
