package rules

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/seatrial/seatrial/internal/diag"
	"github.com/seatrial/seatrial/lint"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

var configRules = []*lint.Rule{
	{
		Name: "env-duplicate", Title: "environment variable given twice", Severity: diag.Warning, Category: "config",
		Doc: "The API server accepts it; the container sees the last value only.",
		Check: eachContainer(func(p *lint.Pass, c *corev1.Container, path string) {
			first := map[string]int{}
			for i, e := range c.Env {
				if j, ok := first[e.Name]; ok {
					p.Report(lint.Finding{Path: fmt.Sprintf("%s.env[%d].name", path, i), Message: fmt.Sprintf("environment variable %s of container %s is given twice", e.Name, c.Name), Detail: "the last value counts: remove one",
						Related: []lint.RelatedPath{{Path: fmt.Sprintf("%s.env[%d].name", path, j), Message: "first given here"}}})
					continue
				}
				first[e.Name] = i
			}
		}),
	},
	{
		Name: "container-port-duplicate", Title: "two containers of one pod on one port", Severity: diag.Warning, Category: "config",
		Doc: "The containers of a pod share one network namespace: they have one IP address and one set of ports. The second one to bind a port fails, and its container goes into CrashLoopBackOff.",
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
						p.Report(lint.Finding{Path: at, Message: fmt.Sprintf("containers %s and %s both listen on port %d/%s", o.container, c.Name, k.port, k.protocol),
							Detail:  "containers of a pod share one network namespace: the second one cannot bind the port",
							Related: []lint.RelatedPath{{Path: o.path, Message: "the other container's port"}}})
					}
				}
			})
			return nil
		},
	},
	{
		Name: "host-port", Title: "container that takes a port of its node", Severity: diag.Info, Category: "config", Optional: true,
		Doc: "Only one pod a node can have a host port: replicas beyond the number of nodes stay Pending. A Service reaches pods without it.",
		Check: eachContainer(func(p *lint.Pass, c *corev1.Container, path string) {
			for i, port := range c.Ports {
				if port.HostPort != 0 && !p.Pods.Spec.HostNetwork {
					p.Report(lint.Finding{Path: fmt.Sprintf("%s.ports[%d].hostPort", path, i), Message: fmt.Sprintf("container %s takes port %d of its node", c.Name, port.HostPort)})
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
					p.Report(lint.Finding{Path: fmt.Sprintf("%s.volumes[%d].name", p.Pods.SpecPath, i), Message: fmt.Sprintf("no container mounts volume %s", v.Name), Detail: "add a volumeMount, or remove the volume"})
				}
			}
			return nil
		},
	},
	{
		Name: "grace-period-too-short", Title: "preStop hook longer than the grace period", Severity: diag.Warning, Category: "config",
		Doc: "The grace period counts from the start of the preStop hook. When the hook sleeps as long as that, the program is killed without ever having got SIGTERM.",
		Check: eachContainer(func(p *lint.Pass, c *corev1.Container, path string) {
			grace := p.Pods.Spec.TerminationGracePeriodSeconds
			if c.Lifecycle == nil || c.Lifecycle.PreStop == nil || c.Lifecycle.PreStop.Sleep == nil || grace == nil {
				return
			}
			if s := c.Lifecycle.PreStop.Sleep.Seconds; s >= *grace {
				p.Report(lint.Finding{Path: path + ".lifecycle.preStop.sleep.seconds", Message: fmt.Sprintf("preStop of container %s sleeps %d s, the grace period is %d s", c.Name, s, *grace), Detail: "raise terminationGracePeriodSeconds above it"})
			}
		}),
	},
	{
		Name: "cronjob-never-fires", Title: "CronJob on a date that does not exist", Severity: diag.Warning, Category: "config", Kinds: []string{"CronJob"},
		Doc: "A schedule such as `0 0 31 2 *` is accepted and never comes.",
		Check: func(p *lint.Pass) error {
			job, ok := p.Object.(*batchv1.CronJob)
			if ok && never(job.Spec.Schedule) {
				p.Report(lint.Finding{Path: "spec.schedule", Message: fmt.Sprintf("schedule %q names a date that does not exist", job.Spec.Schedule)})
			}
			return nil
		},
	},
	{
		Name: "pod-mixes-tiers", Title: "a database and its client in one pod", Severity: diag.Info, Category: "config",
		Doc: "The containers of a pod are scaled together: two replicas of a pod with WordPress and MySQL are two databases that know nothing of each other. " +
			"Containers belong into one pod when they must run on one node and scale as one: a server and the sidecar that ships its logs. Give the database a workload of its own.",
		Check: checkTiers,
	},
}

// databases are images of servers that keep state; two of them are not twice one.
var databases = []string{"mysql", "mariadb", "postgres", "postgresql", "mongo", "mongodb", "cassandra", "couchdb", "influxdb", "neo4j"}

// applications are images that are clients of a database and serve requests themselves.
var applications = []string{"wordpress", "nginx", "httpd", "tomcat", "node", "python", "php", "ghost", "drupal", "joomla", "nextcloud", "redmine", "odoo", "gitea"}

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
		p.Report(lint.Finding{Path: at, Message: fmt.Sprintf("database %s and application %s are scaled together", database, application), Detail: "give each a workload of its own: two replicas of this pod are two databases",
			Related: []lint.RelatedPath{{Path: other, Message: "the application"}}})
	}
	return nil
}

// imageName gives the last part of an image's name without tag and digest.
func imageName(image string) string {
	image, _, _ = strings.Cut(image, "@")
	image = image[strings.LastIndexByte(image, '/')+1:]
	name, _, _ := strings.Cut(image, ":")
	return name
}

// daysOf is the most days that a month can have.
var daysOf = [...]int{1: 31, 2: 29, 3: 31, 4: 30, 5: 31, 6: 30, 7: 31, 8: 31, 9: 30, 10: 31, 11: 30, 12: 31}

// never tells whether a schedule names one day and months that never have it. A weekday beside
// the day of the month is an alternative, so such a schedule comes.
func never(schedule string) bool {
	fields := strings.Fields(schedule)
	if len(fields) > 0 && (strings.HasPrefix(fields[0], "TZ=") || strings.HasPrefix(fields[0], "CRON_TZ=")) {
		fields = fields[1:]
	}
	if len(fields) != 5 || fields[4] != "*" && fields[4] != "?" {
		return false
	}
	day, ok := number(fields[2])
	if !ok {
		return false
	}
	for _, m := range strings.Split(fields[3], ",") {
		month, ok := number(m)
		if !ok || month < 1 || month > 12 || day <= daysOf[month] {
			return false
		}
	}
	return true
}

func number(s string) (n int, ok bool) {
	_, err := fmt.Sscanf(s, "%d", &n)
	return n, err == nil && fmt.Sprint(n) == s
}
