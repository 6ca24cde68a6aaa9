package kubelet

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/client-go/tools/record"
)

func TestStatusIsReportedAsItIsStored(t *testing.T) {
	for name, script := range map[string]Behavior{
		"running": {}, "crashing": {RunFor: 1500 * time.Millisecond, ExitCode: 1},
	} {
		t.Run(name, func(t *testing.T) {
			l := begin(&v1.Pod{Spec: v1.PodSpec{Containers: []v1.Container{{Name: "c", Image: "nginx"}}}})
			l.now = l.now.Add(123456789 * time.Nanosecond)
			l.behaviors["c"] = script
			l.run(time.Minute)
			data, err := json.Marshal(l.pod.Status)
			if err != nil {
				t.Fatal(err)
			}
			var stored v1.PodStatus
			if err := json.Unmarshal(data, &stored); err != nil {
				t.Fatal(err)
			}
			if !equality.Semantic.DeepEqual(stored, l.pod.Status) {
				t.Errorf("the stored status differs and would be written again:\n%s\n%+v", data, l.pod.Status)
			}
		})
	}
}

// lagging is a kubelet whose informer never hears of what it writes itself.
func lagging(t *testing.T) (*Kubelet, *fake.Clientset, *worker) {
	pod := &v1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web", UID: "uid", ResourceVersion: "10"},
		Spec: v1.PodSpec{
			NodeName: "node", RestartPolicy: v1.RestartPolicyAlways,
			Containers: []v1.Container{{Name: "c", Image: "nginx"}},
		},
	}
	client := fake.NewClientset(pod)
	shared := informers.NewSharedInformerFactory(client, 0)
	if err := shared.Core().V1().Pods().Informer().GetIndexer().Add(pod); err != nil {
		t.Fatal(err)
	}
	node := &v1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: "node"},
		Status:     v1.NodeStatus{Allocatable: v1.ResourceList{v1.ResourcePods: resource.MustParse("10")}},
	}
	if err := shared.Core().V1().Nodes().Informer().GetIndexer().Add(node); err != nil {
		t.Fatal(err)
	}
	k, err := New(Config{Client: client, Informers: shared})
	if err != nil {
		t.Fatal(err)
	}
	k.events = record.NewBroadcaster(record.WithContext(t.Context()))
	k.remember(pod.UID)
	return k, client, &worker{namespace: "default", name: "web", changed: make(chan struct{}, 1)}
}

// answerWrites accepts status updates of one version, as an API server does.
func answerWrites(client *fake.Clientset, version, next string) (accepted *int) {
	accepted = new(int)
	client.PrependReactor("update", "pods", func(action clienttesting.Action) (bool, runtime.Object, error) {
		pod := action.(clienttesting.UpdateAction).GetObject().(*v1.Pod).DeepCopy()
		if pod.ResourceVersion != version {
			return true, nil, apierrors.NewConflict(v1.Resource("pods"), pod.Name, nil)
		}
		*accepted++
		pod.ResourceVersion = next
		return true, pod, nil
	})
	return accepted
}

func TestStatusIsWrittenOnceThoughTheInformerLags(t *testing.T) {
	k, client, w := lagging(t)
	accepted := answerWrites(client, "10", "11")
	for range 3 {
		if _, err := k.sync(t.Context(), w, k.latest(w)); err != nil {
			t.Fatal(err)
		}
	}
	if *accepted != 1 {
		t.Errorf("written %d times", *accepted)
	}
}

func TestConflictIsResolvedWithTheLatestVersion(t *testing.T) {
	k, client, w := lagging(t)
	accepted := answerWrites(client, "12", "13")
	client.PrependReactor("get", "pods", func(clienttesting.Action) (bool, runtime.Object, error) {
		pod := k.latest(w).DeepCopy()
		pod.ResourceVersion = "12"
		return true, pod, nil
	})
	if _, err := k.sync(t.Context(), w, k.latest(w)); !apierrors.IsConflict(err) {
		t.Fatalf("got %v, want a conflict", err)
	}
	if _, err := k.sync(t.Context(), w, k.latest(w)); err != nil || *accepted != 1 {
		t.Errorf("got %v, written %d times", err, *accepted)
	}
}

// Trial files hold the state under these keys.
func TestSavedStateKeepsItsKeys(t *testing.T) {
	for key, state := range map[string]any{
		"Passed": containerState{StartupProbePassed: true},
		"Hooked": containerState{PostStartDone: true},
		"Hard":   podState{NoGracePeriod: true},
	} {
		data, err := json.Marshal(state)
		if err != nil {
			t.Fatal(err)
		}
		if want := `"` + key + `":true`; !strings.Contains(string(data), want) {
			t.Errorf("got %s, want %s", data, want)
		}
	}
}
