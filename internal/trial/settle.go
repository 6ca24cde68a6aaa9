package trial

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/seatrial/seatrial/internal/cluster"
)

const (
	// settledFor is how long nothing may be left to do before a watch ends.
	settledFor = 3 * time.Second
	// stuckFor is how long nothing may move before a watch ends although something is left to do:
	// longer than any back-off.
	stuckFor = 6 * time.Minute
	// watchedFor is the longest watch: longer than a rollout may take without progress.
	watchedFor = 12 * time.Minute
)

// Unsettled returns the pods and Deployments that are not ready, with what they lack.
func Unsettled(ctx context.Context, client kubernetes.Interface) (left []string, version string, err error) {
	var versions strings.Builder
	pods, err := client.CoreV1().Pods("").List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, "", err
	}
	for i := range pods.Items {
		p := &pods.Items[i]
		versions.WriteString(p.ResourceVersion + " ")
		if why := cluster.NotReadyReason(p); why != "" {
			left = append(left, fmt.Sprintf("pod/%s in %s: %s", p.Name, p.Namespace, why))
		}
	}
	deployments, err := client.AppsV1().Deployments("").List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, "", err
	}
	for i := range deployments.Items {
		d := &deployments.Items[i]
		versions.WriteString(d.ResourceVersion + " ")
		if why := cluster.NotReadyReason(d); why != "" {
			left = append(left, fmt.Sprintf("deployment/%s in %s: %s", d.Name, d.Namespace, why))
		}
	}
	return left, versions.String(), nil
}

// endWhenSettled ends the watches of a command when the cluster has settled.
func (w *watches) endWhenSettled(ctx context.Context, config *rest.Config) error {
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	defer w.end()
	began := time.Now()
	busy, moved, last := began, began, ""
	for time.Since(began) < watchedFor {
		// kubectl asks for signals on a channel of virtual time, which the outside must not use.
		signal.Reset(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
		left, version, err := Unsettled(ctx, client)
		if err != nil {
			return err
		}
		now := time.Now()
		if len(left) > 0 {
			busy = now
		}
		if version != last {
			moved, last = now, version
		}
		if now.Sub(busy) >= settledFor && now.Sub(moved) >= settledFor || now.Sub(moved) >= stuckFor {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
	}
	return nil
}
