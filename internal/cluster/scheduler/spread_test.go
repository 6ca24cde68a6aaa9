package scheduler

import (
	"context"
	"fmt"
	"math/rand"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/apis/config"
	internalcache "k8s.io/kubernetes/pkg/scheduler/backend/cache"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/feature"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/podtopologyspread"
)

// TestSummarizedSpreadScoresAsUpstream compares the scores of both plugins while pods and nodes come, change and go.
func TestSummarizedSpreadScoresAsUpstream(t *testing.T) {
	for seed := range int64(8) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			c := newSpreadCase(t, seed)
			for range 300 {
				c.change()
				c.compare()
			}
			if c.summarized == 0 || c.summarized == c.compared {
				t.Errorf("%d of %d pods have default constraints", c.summarized, c.compared)
			}
		})
	}
}

// spreadCase is a small cluster that changes at random.
type spreadCase struct {
	*testing.T
	rand     *rand.Rand
	nodes    []*v1.Node
	pods     []*v1.Pod // on nodes
	made     int
	snapshot *shown

	upstream, ours       spreadPlugin
	compared, summarized int
}

type spreadPlugin interface {
	fwk.PreScorePlugin
	fwk.ScorePlugin
}

// spreadHandle is what the plugins need of a framework.
type spreadHandle struct {
	fwk.Handle
	snapshot fwk.SharedLister
	shared   informers.SharedInformerFactory
}

func (h spreadHandle) SnapshotSharedLister() fwk.SharedLister                 { return h.snapshot }
func (h spreadHandle) SharedInformerFactory() informers.SharedInformerFactory { return h.shared }
func (h spreadHandle) Parallelizer() fwk.Parallelizer                         { return oneByOne{} }

func newSpreadCase(t *testing.T, seed int64) *spreadCase {
	c := &spreadCase{T: t, rand: rand.New(rand.NewSource(seed)), snapshot: &shown{}}
	shared := informers.NewSharedInformerFactory(fake.NewClientset(), 0)
	add := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, ns := range []string{"one", "two"} {
		add(shared.Core().V1().Services().Informer().GetIndexer().Add(&v1.Service{
			ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "a"},
			Spec:       v1.ServiceSpec{Selector: map[string]string{"app": "a"}},
		}))
		add(shared.Apps().V1().ReplicaSets().Informer().GetIndexer().Add(&appsv1.ReplicaSet{
			ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "b"},
			Spec: appsv1.ReplicaSetSpec{
				Selector: metav1.SetAsLabelSelector(map[string]string{"app": "b", "hash": "1"}),
			},
		}))
	}
	args := &config.PodTopologySpreadArgs{DefaultingType: config.SystemDefaulting}
	handle := spreadHandle{snapshot: c.snapshot, shared: shared}
	features := feature.Features{
		EnableNodeInclusionPolicyInPodTopologySpread: true, EnableMatchLabelKeysInPodTopologySpread: true,
	}
	upstream, err := podtopologyspread.New(t.Context(), args, handle, features)
	add(err)
	ours, err := newSummarizedSpread(features)(t.Context(), args, handle)
	add(err)
	c.upstream, c.ours = upstream.(spreadPlugin), ours.(spreadPlugin)
	for range 12 {
		c.addNode()
	}
	return c
}

// change adds, ends or removes a pod, or adds, changes or removes a node.
func (c *spreadCase) change() {
	switch n := c.rand.Intn(20); {
	case n < 10 || len(c.pods) == 0:
		c.addPod()
	case n < 13:
		c.end(c.rand.Intn(len(c.pods)))
	case n < 17:
		c.remove(c.rand.Intn(len(c.pods)))
	case n < 18:
		c.addNode()
	case n < 19 && len(c.nodes) > 6:
		c.nodes = append(c.nodes[:3:3], c.nodes[4:]...)
		c.refresh()
	default:
		i := c.rand.Intn(len(c.nodes))
		c.nodes[i] = c.node(c.nodes[i].Name)
		c.refresh()
	}
}

func (c *spreadCase) node(name string) *v1.Node {
	n := &v1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{v1.LabelHostname: name}}}
	if zone := c.rand.Intn(4); zone > 0 {
		n.Labels[v1.LabelTopologyZone] = fmt.Sprint("zone-", zone)
	}
	return n
}

func (c *spreadCase) addNode() {
	c.made++
	c.nodes = append(c.nodes, c.node(fmt.Sprint("node-", c.made)))
	c.refresh()
}

// refresh makes a snapshot of the nodes, and of the pods whose node is still there.
func (c *spreadCase) refresh() {
	there := map[string]bool{}
	for _, n := range c.nodes {
		there[n.Name] = true
	}
	var pods []*v1.Pod
	for _, p := range c.pods {
		if there[p.Spec.NodeName] {
			pods = append(pods, p)
		}
	}
	c.pods, c.snapshot.Snapshot = pods, internalcache.NewSnapshot(pods, c.nodes)
	if err := c.snapshot.StartMutations(); err != nil {
		c.Fatal(err)
	}
}

// pod returns a pod of one of two applications in one of two namespaces.
func (c *spreadCase) pod() *v1.Pod {
	c.made++
	name := fmt.Sprint("pod-", c.made)
	p := &v1.Pod{ObjectMeta: metav1.ObjectMeta{
		Name: name, UID: types.UID(name), Namespace: []string{"one", "two"}[c.rand.Intn(2)],
		Labels: map[string]string{"app": "a"},
	}}
	if c.rand.Intn(2) == 0 {
		yes := true
		p.Labels = map[string]string{"app": "b", "hash": fmt.Sprint(1 + c.rand.Intn(2))}
		p.OwnerReferences = []metav1.OwnerReference{
			{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: "b", Controller: &yes},
		}
	}
	return p
}

func (c *spreadCase) addPod() {
	p := c.pod()
	p.Spec.NodeName = c.nodes[c.rand.Intn(len(c.nodes))].Name
	c.put(p)
	c.pods = append(c.pods, p)
}

func (c *spreadCase) put(p *v1.Pod) {
	info, err := framework.NewPodInfo(p)
	if err != nil {
		c.Fatal(err)
	}
	if err := c.snapshot.AddPod(info, p.Spec.NodeName); err != nil {
		c.Fatal(err)
	}
}

func (c *spreadCase) take(p *v1.Pod) {
	if err := c.snapshot.RemovePod(klog.Background(), p, p.Spec.NodeName); err != nil {
		c.Fatal(err)
	}
}

func (c *spreadCase) remove(i int) {
	c.take(c.pods[i])
	c.pods = append(c.pods[:i], c.pods[i+1:]...)
}

// end begins the deletion of a pod.
func (c *spreadCase) end(i int) {
	c.take(c.pods[i])
	ending := c.pods[i].DeepCopy()
	ending.DeletionTimestamp = &metav1.Time{Time: time.Unix(1, 0)}
	c.pods[i] = ending
	c.put(ending)
}

// compare has both plugins score some of the nodes for a new pod.
func (c *spreadCase) compare() {
	c.Helper()
	pod := c.pod()
	switch c.rand.Intn(8) {
	case 0:
		pod.Spec.NodeSelector = map[string]string{v1.LabelTopologyZone: "zone-1"}
	case 1:
		pod.Spec.TopologySpreadConstraints = []v1.TopologySpreadConstraint{{
			MaxSkew: 1, TopologyKey: v1.LabelTopologyZone, WhenUnsatisfiable: v1.ScheduleAnyway,
			LabelSelector: metav1.SetAsLabelSelector(pod.Labels),
		}}
	case 2:
		pod.OwnerReferences, pod.Labels = nil, map[string]string{"app": "none"} // no selector
	default:
		c.summarized++
	}
	c.compared++
	nodes, err := c.snapshot.NodeInfos().List()
	if err != nil {
		c.Fatal(err)
	}
	var feasible []fwk.NodeInfo
	for _, n := range nodes {
		if c.rand.Intn(3) > 0 {
			feasible = append(feasible, n)
		}
	}
	want, got := scoresOf(c.Context(), c.upstream, pod, feasible), scoresOf(c.Context(), c.ours, pod, feasible)
	if want != got {
		c.Fatalf("%s of %s:\nupstream %s\nours     %s", pod.Labels, pod.Namespace, want, got)
	}
}

// scoresOf returns the scores of nodes for a pod before and after they are normalized.
func scoresOf(ctx context.Context, p spreadPlugin, pod *v1.Pod, nodes []fwk.NodeInfo) string {
	state := framework.NewCycleState()
	status := p.PreScore(ctx, state, pod, nodes)
	if !status.IsSuccess() {
		return fmt.Sprint(status.Code(), status.AsError())
	}
	var scores fwk.NodeScoreList
	for _, n := range nodes {
		score, status := p.Score(ctx, state, pod, n)
		if !status.IsSuccess() {
			return fmt.Sprint(n.Node().Name, status.AsError())
		}
		scores = append(scores, fwk.NodeScore{Name: n.Node().Name, Score: score})
	}
	raw := fmt.Sprint(scores)
	status = p.ScoreExtensions().NormalizeScore(ctx, state, pod, scores)
	return fmt.Sprint(raw, scores, status.AsError())
}
