package cluster

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/seatrial/seatrial/internal/cluster/virtualtime"
)

func TestATicketIsGoodForOneObjectOnce(t *testing.T) {
	tickets := ticketsOf(t)
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "web"}}
	var written bytes.Buffer
	if err := tickets.Encode(pod, &written); err != nil {
		t.Fatal(err)
	}
	got := &corev1.Pod{}
	if _, _, err := tickets.Decode(written.Bytes(), nil, got); err != nil || got.Name != "web" {
		t.Errorf("the ticket gave %q, %v", got.Name, err)
	}
	if _, _, err := tickets.Decode(written.Bytes(), nil, got); !errors.Is(err, errNoObject) {
		t.Errorf("the second time the ticket gave %v, want an error", err)
	}
}

// Clients read the status of an answer several times, or never.
func TestStatusesAreWritten(t *testing.T) {
	tickets := ticketsOf(t)
	var written bytes.Buffer
	if err := tickets.Encode(&metav1.Status{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}, Message: "no"}, &written); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		obj, _, err := tickets.Decode(written.Bytes(), nil, nil)
		if s, ok := obj.(*metav1.Status); err != nil || !ok || s.Message != "no" {
			t.Errorf("read as %v, %v", obj, err)
		}
	}
}

func ticketsOf(t *testing.T) handover {
	t.Helper()
	for _, info := range scheme.Codecs.SupportedMediaTypes() {
		if info.MediaType == handoverType {
			return info.Serializer.(handover)
		}
	}
	t.Fatal("clients do not understand tickets")
	return handover{}
}

func TestAnswersThatNobodyReadsHaveNoTickets(t *testing.T) {
	for method, has := range map[string]bool{http.MethodGet: true, http.MethodPut: true, http.MethodDelete: false} {
		req, err := http.NewRequest(method, "http://seatrial/api/v1/namespaces/default/pods/web", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Accept", acceptHanded)
		served := asServer(req, context.Background())
		if got := strings.Contains(served.Header.Get("Accept"), handoverType); got != has {
			t.Errorf("%s accepts tickets: %t, want %t", method, got, has)
		}
	}
}

// What is handed over has to reach somebody, or it would be kept for ever.
func TestNoObjectIsLeft(t *testing.T) {
	err := virtualtime.Run(t.Context(), time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), 1, func() error {
		engine, err := Start(context.Background(), Config{Pace: Pace})
		if err != nil {
			return err
		}
		defer engine.Close()
		ctx, deployments := context.Background(), engine.client.AppsV1().Deployments("default")
		replicas, labels := int32(3), map[string]string{"app": "web"}
		_, err = deployments.Create(ctx, &appsv1.Deployment{
			ObjectMeta: metav1.ObjectMeta{Name: "web"},
			Spec: appsv1.DeploymentSpec{
				Replicas: &replicas, Selector: &metav1.LabelSelector{MatchLabels: labels},
				Template: corev1.PodTemplateSpec{
					ObjectMeta: metav1.ObjectMeta{Labels: labels},
					Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "web", Image: "nginx"}}},
				},
			},
		}, metav1.CreateOptions{})
		if err != nil {
			return err
		}
		time.Sleep(time.Minute)
		if err := deployments.Delete(ctx, "web", metav1.DeleteOptions{}); err != nil {
			return err
		}
		time.Sleep(time.Minute)
		handed.mu.Lock()
		defer handed.mu.Unlock()
		for _, obj := range handed.waiting {
			t.Errorf("nobody took %T", obj)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
