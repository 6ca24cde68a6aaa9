// Command engine runs one scenario on the embedded cluster and prints how long it took, as JSON.
// Package bench runs it as a process of its own for each measurement.
//
//	go run ./internal/bench/engine s200
//	go run ./internal/bench/engine -cpuprofile cpu.out s1000
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"maps"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/go-logr/logr"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/klog/v2"

	"github.com/seatrial/seatrial/internal/cluster"
	"github.com/seatrial/seatrial/internal/cluster/apiserver"
	"github.com/seatrial/seatrial/internal/cluster/virtualtime"
)

// scenario is what is measured: the nodes that there are, and what is done on them.
type scenario struct {
	nodes string
	pods  int // that are scheduled, for the rate
	run   func(context.Context, *kubernetes.Clientset) error
}

var scenarios = map[string]scenario{
	"ready":   {"demo", 0, func(context.Context, *kubernetes.Clientset) error { return nil }},
	"chapter": {"demo", 4, rollout(2, 30)},
	"s200":    {"50x4cpu8Gi", 400, rollout(200, 0)},
	"s1000":   {"1000x4cpu8Gi", 2000, rollout(1000, 0)},
	"cron":    {"3x4cpu8Gi", 2400, cronDay(100)},
	"idle":    {"3x4cpu8Gi", 0, idle(time.Hour)},
}

// result is what is printed.
type result struct {
	Ready   float64 // seconds from the start of the process until the cluster is there
	Wall    float64 // seconds from the start of the process until the end
	Virtual float64 // seconds of the cluster's time that the work took
	Pods    int     // scheduled
	Writes  int64   // revisions of the store
	MaxRSS  int64   // bytes
}

func main() {
	log.SetFlags(0)
	cpu := flag.String("cpuprofile", "", "file to write a profile of the processor to")
	mem := flag.String("memprofile", "", "file to write a profile of allocations to")
	real := flag.Bool("real", false, "run in real time")
	flag.Parse()
	s, ok := scenarios[flag.Arg(0)]
	if !ok {
		log.Fatalf(
			"engine: scenario %q: want one of %s", flag.Arg(0), strings.Join(slices.Sorted(maps.Keys(scenarios)), ", "),
		)
	}
	klog.SetLogger(logr.Discard())
	if *cpu != "" {
		f, err := os.Create(*cpu)
		if err != nil {
			log.Fatal(err)
		}
		if err := pprof.StartCPUProfile(f); err != nil {
			log.Fatal(err)
		}
		defer f.Close()
		defer pprof.StopCPUProfile()
	}
	if *mem != "" {
		runtime.MemProfileRate = 64 << 10
	}
	r, err := measure(s, *real)
	if err != nil {
		log.Fatal("engine: ", err)
	}
	if err := json.NewEncoder(os.Stdout).Encode(r); err != nil {
		log.Fatal(err)
	}
	if *mem != "" {
		if err := writeHeap(*mem); err != nil {
			log.Fatal(err)
		}
	}
}

func writeHeap(name string) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer f.Close()
	return pprof.Lookup("allocs").WriteTo(f, 0)
}

// began is when the process began, or nearly so.
var began = time.Now()

func measure(s scenario, real bool) (r result, err error) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
		debug.SetMemoryLimit(1 << 30)
	}
	nodes, err := cluster.ParseNodes(s.nodes)
	if err != nil {
		return r, err
	}
	config := cluster.Config{Nodes: nodes, APIServer: apiserver.Options{Tracking: apiserver.TrackUsers}}
	enter := func(f func() error) error { return f() }
	if !real {
		config.APIServer.BatchWindow = apiserver.BatchWindow
		enter = func(f func() error) error {
			return virtualtime.Run(context.Background(), time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), 1, f)
		}
	}
	r.Pods = s.pods
	err = enter(func() error {
		ctx := context.Background()
		engine, err := cluster.Start(ctx, config)
		if err != nil {
			return err
		}
		defer engine.Close()
		r.Ready = processor()
		client, err := kubernetes.NewForConfig(engine.RESTConfig())
		if err != nil {
			return err
		}
		from := time.Now()
		if err := s.run(ctx, client); err != nil {
			return err
		}
		r.Virtual = time.Since(from).Seconds()
		r.Writes = engine.DB().Revision()
		return nil
	})
	var u syscall.Rusage
	if usageErr := syscall.Getrusage(syscall.RUSAGE_SELF, &u); usageErr != nil {
		return r, usageErr
	}
	r.Wall, r.MaxRSS = time.Since(began).Seconds(), u.Maxrss*1024
	return r, err
}

// processor is the processor time used so far, in seconds: real time cannot be read in virtual time.
func processor() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
}

func deployment(replicas, minReady int32) *appsv1.Deployment {
	labels := map[string]string{"app": "nginx"}
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "nginx-deploy", Namespace: "default"},
		Spec: appsv1.DeploymentSpec{
			Replicas:        &replicas,
			MinReadySeconds: minReady,
			Selector:        &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "nginx", Image: "nginx:1.7.9"}}},
			},
		},
	}
}

// rollout creates a Deployment, waits until it is available, and rolls it over.
func rollout(replicas, minReady int32) func(context.Context, *kubernetes.Clientset) error {
	return func(ctx context.Context, client *kubernetes.Clientset) error {
		deployments := client.AppsV1().Deployments("default")
		if _, err := deployments.Create(ctx, deployment(replicas, minReady), metav1.CreateOptions{}); err != nil {
			return err
		}
		if err := available(ctx, client, replicas); err != nil {
			return err
		}
		patch := []byte(`{"spec":{"template":{"spec":{"containers":[{"name":"nginx","image":"nginx:latest"}]}}}}`)
		if _, err := deployments.Patch(
			ctx, "nginx-deploy", types.StrategicMergePatchType, patch, metav1.PatchOptions{},
		); err != nil {
			return err
		}
		return available(ctx, client, replicas)
	}
}

// available waits until all replicas are new and available.
func available(ctx context.Context, client *kubernetes.Clientset, replicas int32) error {
	w, err := client.AppsV1().Deployments("default").Watch(
		ctx, metav1.ListOptions{FieldSelector: fields.OneTermEqualSelector("metadata.name", "nginx-deploy").String()},
	)
	if err != nil {
		return err
	}
	defer w.Stop()
	for e := range w.ResultChan() {
		d, ok := e.Object.(*appsv1.Deployment)
		if !ok {
			return fmt.Errorf("watching: %v", e.Object)
		}
		s := d.Status
		if s.ObservedGeneration >= d.Generation && s.UpdatedReplicas == replicas && s.AvailableReplicas == replicas &&
			s.Replicas == replicas {
			return nil
		}
	}
	return errors.New("the watch has ended")
}

// cronDay lives through a day in which each CronJob runs once an hour.
func cronDay(count int) func(context.Context, *kubernetes.Clientset) error {
	return func(ctx context.Context, client *kubernetes.Clientset) error {
		for i := range count {
			c := &batchv1.CronJob{
				ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("cron-%d", i), Namespace: "default"},
				Spec: batchv1.CronJobSpec{
					Schedule: fmt.Sprintf("%d * * * *", i%60),
					JobTemplate: batchv1.JobTemplateSpec{Spec: batchv1.JobSpec{Template: corev1.PodTemplateSpec{
						Spec: corev1.PodSpec{
							RestartPolicy: corev1.RestartPolicyNever,
							Containers:    []corev1.Container{{Name: "work", Image: "busybox:1.37"}},
						}}}},
				},
			}
			if _, err := client.BatchV1().CronJobs("default").Create(ctx, c, metav1.CreateOptions{}); err != nil {
				return err
			}
		}
		time.Sleep(24 * time.Hour)
		return nil
	}
}

func idle(d time.Duration) func(context.Context, *kubernetes.Clientset) error {
	return func(context.Context, *kubernetes.Clientset) error {
		time.Sleep(d)
		return nil
	}
}
