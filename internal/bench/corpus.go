package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// application is a set of ten valid documents of nine kinds; %[1]d is its number, %[2]d its namespace's.
const application = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web-%[1]d
  namespace: team-%[2]d
  labels: {app: web-%[1]d}
spec:
  selector:
    matchLabels:
      app: web-%[1]d
  template:
    metadata:
      labels:
        app: web-%[1]d
    spec:
      securityContext:
        runAsNonRoot: true
      containers:
      - name: web
        image: registry.example.com/web:1.2.%[1]d
        ports:
        - name: http
          containerPort: 8080
        env:
        - name: MODE
          valueFrom:
            configMapKeyRef: {name: settings-%[1]d, key: mode}
        resources:
          requests: {cpu: 100m, memory: 128Mi}
          limits: {memory: 256Mi}
        readinessProbe:
          httpGet: {path: /ready, port: http}
        livenessProbe:
          httpGet: {path: /live, port: http}
---
apiVersion: v1
kind: Service
metadata:
  name: web-%[1]d
  namespace: team-%[2]d
spec:
  selector:
    app: web-%[1]d
  ports:
  - name: http
    port: 80
    targetPort: http
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: settings-%[1]d
  namespace: team-%[2]d
data:
  mode: production
  text: "some text that goes on for a while"
  file.conf: |
    listen = 8080
    workers = 4
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web-%[1]d
  namespace: team-%[2]d
spec:
  rules:
  - host: web-%[1]d.example.com
    http:
      paths:
      - path: /
        pathType: Prefix
        backend:
          service:
            name: web-%[1]d
            port:
              name: http
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: web-%[1]d
  namespace: team-%[2]d
spec:
  maxUnavailable: 1
  selector:
    matchLabels:
      app: web-%[1]d
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: web-%[1]d
  namespace: team-%[2]d
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web-%[1]d}
  minReplicas: 2
  maxReplicas: 10
  metrics:
  - type: Resource
    resource:
      name: cpu
      target: {type: Utilization, averageUtilization: 70}
---
apiVersion: batch/v1
kind: CronJob
metadata:
  name: tidy-%[1]d
  namespace: team-%[2]d
spec:
  schedule: "17 3 * * *"
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: Never
          securityContext:
            runAsNonRoot: true
          containers:
          - name: tidy
            image: registry.example.com/tidy:2.0.1
            args: ["--older-than", "30d"]
            resources:
              requests: {cpu: 10m, memory: 32Mi}
              limits: {memory: 64Mi}
---
apiVersion: v1
kind: Secret
metadata:
  name: keys-%[1]d
  namespace: team-%[2]d
type: Opaque
stringData:
  token: t0ken-%[1]d
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: web-%[1]d
  namespace: team-%[2]d
spec:
  podSelector:
    matchLabels:
      app: web-%[1]d
  policyTypes: [Ingress]
  ingress:
  - ports:
    - port: 8080
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: data-%[1]d
  namespace: team-%[2]d
spec:
  accessModes: [ReadWriteOnce]
  resources:
    requests:
      storage: 10Gi
`

// writeFolder writes a folder of files with one application each.
func writeFolder(dir string, files int) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for i := range files {
		if err := os.WriteFile(
			filepath.Join(dir, fmt.Sprintf("app-%05d.yaml", i)), fmt.Appendf(nil, application, i, i%50), 0o644,
		); err != nil {
			return err
		}
	}
	return nil
}

// writeFile writes one file of many applications.
func writeFile(name string, applications int) error {
	var b strings.Builder
	for i := range applications {
		fmt.Fprintf(&b, application, i, i%50)
		b.WriteString("---\n")
	}
	return os.WriteFile(name, []byte(b.String()), 0o644)
}

// writeSmall writes one Deployment.
func writeSmall(name string) error {
	doc, _, _ := strings.Cut(fmt.Sprintf(application, 0, 0), "---\n")
	return os.WriteFile(name, []byte(doc), 0o644)
}
