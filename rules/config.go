package rules

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/utils/ptr"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/lint"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// checkAnnotation makes the annotation as kubectl would.
func checkAnnotation(p *lint.Pass) error {
	// Characters may take six times as much in the annotation, and annotations count twice.
	if len(p.Document.JSON) < validation.TotalAnnotationSizeLimitB/8 {
		return nil
	}
	u := (&unstructured.Unstructured{Object: p.Document.Value()}).DeepCopy()
	all := u.GetAnnotations()
	delete(all, corev1.LastAppliedConfigAnnotation)
	u.SetAnnotations(all)
	applied, err := u.MarshalJSON()
	if err != nil {
		return err
	}
	size := len(corev1.LastAppliedConfigAnnotation) + len(applied)
	for k, v := range all {
		size += len(k) + len(v)
	}
	if size > validation.TotalAnnotationSizeLimitB {
		p.Report(lint.Finding{
			Path: "metadata.name",
			Message: fmt.Sprintf(
				"with the annotation of kubectl apply the annotations are %d KiB: the API server refuses more than %d",
				(size+1023)>>10,
				validation.TotalAnnotationSizeLimitB>>10,
			),
			Help: "apply it with `kubectl apply --server-side`",
		})
	}
	return nil
}

var configRules = []*lint.Rule{
	{
		Name: "env-duplicate", Title: "environment variable given twice", Severity: diag.Warning, Category: "config",
		Doc: "The API server accepts it with a warning; the container sees the last value only.",
		Equivalents: "kube-linter duplicate-env-var, kube-score environment-variable-key-duplication, kubescape " +
			"C-0295",
		Check: eachContainer(func(p *lint.Pass, c *corev1.Container, path string) {
			first := map[string]int{}
			for i, e := range c.Env {
				if j, ok := first[e.Name]; ok {
					p.Report(lint.Finding{
						Path: fmt.Sprintf("%s.env[%d].name", path, i),
						Message: fmt.Sprintf(
							"environment variable %s of container %s is given twice",
							e.Name,
							c.Name,
						),
						Help: "the last value counts: remove one",
						Related: []lint.RelatedPath{
							{Path: fmt.Sprintf("%s.env[%d].name", path, j), Message: "first given here"},
						},
					})
					continue
				}
				first[e.Name] = i
			}
		}),
	},
	{
		Name:     "apply-annotation-too-long",
		Title:    "object too large for kubectl apply",
		Severity: diag.Warning,
		Category: "config",
		Doc: "`kubectl apply` keeps the whole manifest in the annotation " + corev1.LastAppliedConfigAnnotation +
			"; the API server refuses annotations of more than 256 KiB in sum. Large definitions of custom resources are what it happens to. " +
			"`kubectl apply --server-side` and `kubectl create` do without the annotation.",
		URL:   "https://kubernetes.io/docs/reference/using-api/server-side-apply/",
		Check: checkAnnotation,
	},
	{
		Name:     "container-port-duplicate",
		Title:    "two containers of one pod on one port",
		Severity: diag.Warning,
		Category: "config",
		Doc: "The containers of a pod share one network namespace: they have one IP address and one set of ports. " +
			"The second one to bind a port fails, and its container goes into CrashLoopBackOff.",
		Check: func(p *lint.Pass) error {
			type key struct {
				port     int32
				protocol corev1.Protocol
			}
			type place struct{ container, path string }
			first := map[key]place{}
			p.Containers(func(c *corev1.Container, path string, init bool) {
				if init && !sidecar(c) {
					return
				}
				for i, port := range c.Ports {
					at := fmt.Sprintf("%s.ports[%d].containerPort", path, i)
					if port.ContainerPort == 0 {
						continue // could not be read, and was reported
					}
					k := key{port.ContainerPort, cmp.Or(port.Protocol, corev1.ProtocolTCP)}
					if o, ok := first[k]; !ok {
						first[k] = place{c.Name, at}
					} else if o.container != c.Name {
						p.Report(lint.Finding{Path: at, Message: fmt.Sprintf("containers %s and %s both listen on "+
							"port %d/%s", o.container, c.Name, k.port, k.protocol),
							Help: "containers of a pod share one network namespace: the second one cannot bind " +
								"the port",
							Related: []lint.RelatedPath{{Path: o.path, Message: "the other container's port"}}})
					}
				}
			})
			return nil
		},
	},
	{
		Name:        "host-port",
		Equivalents: "datree 85, monokle PSS106 and KSV024, checkov CKV_K8S_26, kubescape C-0044",
		Title:       "container that takes a port of its node",
		Severity:    diag.Info,
		Category:    "config",
		Optional:    true,
		Doc: "Only one pod a node can have a host port: replicas beyond the number of nodes stay Pending. A Service " +
			"reaches pods without it.",
		Check: eachContainer(func(p *lint.Pass, c *corev1.Container, path string) {
			for i, port := range c.Ports {
				if port.HostPort != 0 && !p.Pods.Spec.HostNetwork {
					p.Report(lint.Finding{
						Path:    fmt.Sprintf("%s.ports[%d].hostPort", path, i),
						Message: fmt.Sprintf("container %s takes port %d of its node", c.Name, port.HostPort),
						Fixes:   removing(fmt.Sprintf("%s.ports[%d].hostPort", path, i)),
					})
				}
			}
		}),
	},
	{
		Name: "volume-unused", Title: "volume that no container mounts", Severity: diag.Info, Category: "config",
		Doc: "The volume is set up and nobody uses it; most likely a volumeMount is missing.",
		Check: func(p *lint.Pass) error {
			if p.Pods == nil {
				return nil
			}
			used := map[string]bool{}
			mounts := func(c *corev1.Container, _ string, _ bool) {
				for _, m := range c.VolumeMounts {
					used[m.Name] = true
				}
				for _, d := range c.VolumeDevices {
					used[d.Name] = true
				}
			}
			p.Containers(mounts)
			for i, v := range p.Pods.Spec.Volumes {
				if !used[v.Name] {
					p.Report(lint.Finding{
						Path:    fmt.Sprintf("%s.volumes[%d].name", p.Pods.SpecPath, i),
						Message: fmt.Sprintf("no container mounts volume %s", v.Name),
						Help:    "add a volumeMount, or remove the volume",
					})
				}
			}
			return nil
		},
	},
	{
		Name:     "grace-period-too-short",
		Title:    "preStop hook longer than the grace period",
		Severity: diag.Warning,
		Category: "config",
		Doc: "The grace period counts from the start of the preStop hook. When the hook sleeps as long as that, the " +
			"program is killed without ever having got SIGTERM.",
		Check: eachContainer(func(p *lint.Pass, c *corev1.Container, path string) {
			grace := ptr.Deref(p.Pods.Spec.TerminationGracePeriodSeconds, corev1.DefaultTerminationGracePeriodSeconds)
			if s, at := preStopSleep(c, path); s > 0 && s >= grace {
				p.Report(lint.Finding{
					Path: at,
					Message: fmt.Sprintf(
						"preStop of container %s sleeps %d s, the grace period is %d s",
						c.Name,
						s,
						grace,
					),
					Help: "raise terminationGracePeriodSeconds above it",
				})
			}
		}),
	},
	{
		Name:     "file-mode-decimal",
		Title:    "mode of files that is decimal and looks octal",
		Severity: diag.Warning,
		Category: "config",
		URL:      "https://kubernetes.io/docs/concepts/configuration/secret/#secret-files-permissions",
		Doc: "A mode without a leading 0 is decimal: 440 is 0670 in octal, which lets the group write and run the files. In " +
			"JSON, which has no octal numbers, 0440 is written 288. Only numbers are reported that are a usual mode in octal, " +
			"and an odd one as they stand.",
		Check: checkModes,
	},
	{
		Name:     "cronjob-never-fires",
		Title:    "CronJob on a date that does not exist",
		Severity: diag.Warning,
		Category: "config",
		Kinds:    []string{"CronJob"},
		Doc:      "A schedule such as `0 0 31 2 *` is accepted and never comes.",
		URL:      "https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/#schedule-syntax",
		Check: eachCronJob(func(p *lint.Pass, o *batchv1.CronJob) {
			if never(o.Spec.Schedule) {
				p.Report(lint.Finding{
					Path:    "spec.schedule",
					Message: fmt.Sprintf("schedule %q names a date that does not exist", o.Spec.Schedule),
					Help:    "the fields are minute, hour, day of the month, month, day of the week",
				})
			}
		}),
	},
	{
		Name:        "cronjob-deadline-missing",
		Title:       "CronJob without startingDeadlineSeconds",
		Severity:    diag.Info,
		Category:    "config",
		Optional:    true,
		Kinds:       []string{"CronJob"},
		Equivalents: "kube-score cronjob-has-deadline, datree 17",
		Doc: "When the controller was away for a while, a run is started however late; after 100 missed runs none " +
			"is started any more.",
		Check: eachCronJob(func(p *lint.Pass, o *batchv1.CronJob) {
			if o.Spec.StartingDeadlineSeconds == nil {
				p.Report(lint.Finding{
					Path:    "spec.startingDeadlineSeconds",
					Message: "startingDeadlineSeconds is not given",
					Help:    "say how late a run may start",
					Fixes:   setting("spec.startingDeadlineSeconds", "3600"),
				})
			}
		}),
	},
	{
		Name:        "cronjob-concurrency-allowed",
		Title:       "CronJob whose runs may overlap",
		Severity:    diag.Info,
		Category:    "config",
		Optional:    true,
		Kinds:       []string{"CronJob"},
		Equivalents: "datree 24",
		Doc: "concurrencyPolicy is Allow unless it is given: when a run takes longer than the interval, the next " +
			"one starts beside it.",
		Check: eachCronJob(func(p *lint.Pass, o *batchv1.CronJob) {
			if o.Spec.ConcurrencyPolicy == batchv1.AllowConcurrent {
				p.Report(lint.Finding{
					Path:    "spec.concurrencyPolicy",
					Message: "runs may overlap: concurrencyPolicy is Allow",
					Help:    "use Forbid or Replace, unless two runs at a time do no harm",
					Fixes:   setting("spec.concurrencyPolicy", "Forbid"),
				})
			}
		}),
	},
	{
		Name:        "job-ttl-missing",
		Title:       "Job that stays when it is done",
		Severity:    diag.Info,
		Category:    "config",
		Optional:    true,
		Kinds:       []string{"Job"},
		Equivalents: "kube-linter job-ttl-seconds-after-finished",
		Doc: "A finished Job and its pods are kept until somebody deletes them, unless ttlSecondsAfterFinished says " +
			"how long. Jobs of a CronJob are kept by its history limits and passed over.",
		Check: func(p *lint.Pass) error {
			if o, ok := p.Object.(*batchv1.Job); ok && o.Spec.TTLSecondsAfterFinished == nil &&
				metav1.GetControllerOf(o) == nil {
				p.Report(lint.Finding{
					Path:    "spec.ttlSecondsAfterFinished",
					Message: "the Job stays for ever when it is done",
					Help:    "set ttlSecondsAfterFinished",
					Fixes:   setting("spec.ttlSecondsAfterFinished", "86400"),
				})
			}
			return nil
		},
	},
	{
		Name:        "cronjob-ttl-set",
		Title:       "CronJob whose Jobs go before its history says",
		Severity:    diag.Info,
		Category:    "config",
		Optional:    true,
		Kinds:       []string{"CronJob"},
		Equivalents: "kube-linter job-ttl-seconds-after-finished",
		Doc: "A CronJob keeps its last Jobs by successfulJobsHistoryLimit and failedJobsHistoryLimit. With " +
			"ttlSecondsAfterFinished they are deleted earlier, failed ones and their logs among them.",
		Check: eachCronJob(func(p *lint.Pass, c *batchv1.CronJob) {
			if c.Spec.JobTemplate.Spec.TTLSecondsAfterFinished != nil {
				p.Report(lint.Finding{
					Path:    "spec.jobTemplate.spec.ttlSecondsAfterFinished",
					Message: "the Jobs are deleted by time, and not by the limits of the history",
					Fixes:   removing("spec.jobTemplate.spec.ttlSecondsAfterFinished"),
				})
			}
		}),
	},
	{
		Name:        "namespace-default",
		Title:       "object without a namespace, or in default",
		Severity:    diag.Info,
		Category:    "config",
		Optional:    true,
		Equivalents: "kube-linter use-namespace, datree 15, checkov CKV_K8S_21",
		Kinds: append(
			[]string{
				"Pod", "Job", "CronJob", "Service", "Ingress", "ConfigMap", "Secret", "PersistentVolumeClaim",
				"HorizontalPodAutoscaler", "PodDisruptionBudget", "NetworkPolicy", "Role", "RoleBinding",
				"ServiceAccount",
				"Endpoints", "EndpointSlice", "Lease", "PodTemplate", "CSIStorageCapacity", "ResourceQuota",
				"LimitRange",
			},
			serving...),
		Doc: "Where the object goes depends on who applies it. Rights, quotas and network policies go by namespace. " +
			"The Service and the endpoints of the API server, called kubernetes, are passed over.",
		Check: func(p *lint.Pass) error {
			if o := p.Document.Object; (o.Namespace == "" || o.Namespace == "default") && !ofAPIServer(o) {
				p.Report(lint.Finding{
					Path:    "metadata.namespace",
					Message: "the object belongs to no namespace but default",
					Help:    "name a namespace",
				})
			}
			return nil
		},
	},
	{
		Name:        "recommended-labels-missing",
		Title:       "workload without the recommended labels",
		Severity:    diag.Info,
		Category:    "config",
		Optional:    true,
		Equivalents: "monokle recommended-labels, kubescape C-0077",
		Kinds: append(
			[]string{"Pod", "Job", "CronJob"},
			serving...), URL: "https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/",
		Doc: "app.kubernetes.io/name and app.kubernetes.io/instance tell tools what belongs together.",
		Params: []lint.Param{
			{Name: "labels", Doc: "the labels", Default: recommended},
			{Name: "pods", Doc: "look at pods of their own, too", Default: false},
		},
		Check: func(p *lint.Pass) error {
			o, ok := p.Object.(metav1.Object)
			if p.Document.Object.Kind == "Pod" && !p.Params.Bool("pods") {
				return nil
			}
			for _, label := range p.Params.List("labels") {
				if ok && o.GetLabels()[label] == "" {
					p.Report(lint.Finding{Path: "metadata.labels", Message: "the label " + label + " is missing"})
				}
			}
			return nil
		},
	},
	{
		Name: "pod-mixes-tiers", Title: "a database and its client in one pod", Severity: diag.Info, Category: "config",
		Doc: "The containers of a pod are scaled together: two replicas of a pod with WordPress and MySQL are two " +
			"databases that know nothing of each other. " +
			"Containers belong into one pod when they must run on one node and scale as one: a server and the " +
			"sidecar that ships its logs. Give the database a workload of its own.",
		Check: checkTiers,
	},
}

// ofAPIServer reports whether an object is one that every cluster has in the namespace default.
func ofAPIServer(o diag.Object) bool {
	return o.Name == "kubernetes" && slices.Contains([]string{"Service", "Endpoints", "EndpointSlice"}, o.Kind) ||
		o.Name == "default" && o.Kind == "ServiceAccount"
}

func eachCronJob(f func(*lint.Pass, *batchv1.CronJob)) func(*lint.Pass) error {
	return func(p *lint.Pass) error {
		if o, ok := p.Object.(*batchv1.CronJob); ok {
			f(p, o)
		}
		return nil
	}
}

// databases are images of servers that keep state; two of them are not twice one.
var databases = []string{
	"mysql",
	"mariadb",
	"postgres",
	"postgresql",
	"mongo",
	"mongodb",
	"cassandra",
	"couchdb",
	"influxdb",
	"neo4j",
}

// applications are images that are clients of a database and serve requests themselves.
var applications = []string{
	"wordpress",
	"nginx",
	"httpd",
	"tomcat",
	"node",
	"python",
	"php",
	"ghost",
	"drupal",
	"joomla",
	"nextcloud",
	"redmine",
	"odoo",
	"gitea",
}

func checkTiers(p *lint.Pass) error {
	if p.Pods == nil {
		return nil
	}
	var database, application string
	var at, other string
	for i, c := range p.Pods.Spec.Containers {
		path := fmt.Sprintf("%s.containers[%d].image", p.Pods.SpecPath, i)
		switch name := imageName(c.Image); {
		case slices.Contains(databases, name) && database == "":
			database, at = c.Name, path
		case slices.Contains(applications, name) && application == "":
			application, other = c.Name, path
		}
	}
	if database != "" && application != "" {
		p.Report(lint.Finding{
			Path:    at,
			Message: fmt.Sprintf("database %s and application %s are scaled together", database, application),
			Help:    "give each a workload of its own: two replicas of this pod are two databases",
			Related: []lint.RelatedPath{{Path: other, Message: "the application"}},
		})
	}
	return nil
}

// imageName returns the last part of an image's name without tag and digest.
func imageName(image string) string {
	image, _, _ = strings.Cut(image, "@")
	image = image[strings.LastIndexByte(image, '/')+1:]
	name, _, _ := strings.Cut(image, ":")
	return name
}

// never reports whether a schedule never comes, by the reckoning of the controller's own library. The library crashes
// on some schedules, which the server refuses.
func never(schedule string) (yes bool) {
	defer func() {
		if recover() != nil {
			yes = false
		}
	}()
	s, err := cron.ParseStandard(schedule)
	return err == nil && s.Next(time.Unix(0, 0)).IsZero()
}

// preStopSleep tells how long a preStop hook sleeps at least, in seconds, and where it says so.
func preStopSleep(c *corev1.Container, path string) (seconds int64, at string) {
	if c.Lifecycle == nil || c.Lifecycle.PreStop == nil {
		return 0, ""
	}
	hook := c.Lifecycle.PreStop
	path += ".lifecycle.preStop"
	switch {
	case hook.Sleep != nil:
		return hook.Sleep.Seconds, path + ".sleep.seconds"
	case hook.Exec != nil:
		if m := sleepCommand.FindStringSubmatch(strings.Join(hook.Exec.Command, " ")); m != nil {
			seconds, _ = strconv.ParseInt(m[1], 10, 64)
		}
		return seconds, path + ".exec.command"
	}
	return 0, ""
}

// sleepCommand matches sleep 30, by itself or first in a shell.
var sleepCommand = regexp.MustCompile(`^(?:(?:/(?:usr/)?bin/)?(?:ba|da)?sh -e?c )?(?:/(?:usr/)?bin/)?sleep (\d+)\b`)

// recommended are the labels that tools look for.
var recommended = []string{"app.kubernetes.io/name", "app.kubernetes.io/instance"}
