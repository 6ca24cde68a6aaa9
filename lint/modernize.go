package lint

import (
	"maps"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// modernized returns an object as it would be written in a later version of its kind. Where the later version says the
// same elsewhere (the backends of an Ingress, the metrics of a HorizontalPodAutoscaler), it is moved there.
func modernized(value map[string]any, version, kind string) map[string]any {
	value = maps.Clone(value)
	value["apiVersion"] = version
	spec, _ := value["spec"].(map[string]any)
	if spec == nil {
		return value
	}
	switch version + " " + kind {
	case "networking.k8s.io/v1 Ingress":
		value["spec"] = modernIngress(runtime.DeepCopyJSON(spec))
	case "autoscaling/v2 HorizontalPodAutoscaler":
		value["spec"] = modernScaler(runtime.DeepCopyJSON(spec))
	}
	return value
}

func modernIngress(spec map[string]any) map[string]any {
	if backend, ok := spec["backend"].(map[string]any); ok {
		spec["defaultBackend"] = modernBackend(backend)
		delete(spec, "backend")
	}
	rules, _ := spec["rules"].([]any)
	for _, r := range rules {
		rule, _ := r.(map[string]any)
		paths, _, _ := unstructured.NestedFieldNoCopy(rule, "http", "paths")
		list, _ := paths.([]any)
		for _, p := range list {
			path, _ := p.(map[string]any)
			if backend, ok := path["backend"].(map[string]any); ok {
				path["backend"] = modernBackend(backend)
			}
			if path != nil && path["pathType"] == nil {
				path["pathType"] = "ImplementationSpecific"
			}
		}
	}
	return spec
}

// modernBackend moves the Service of a backend to where networking.k8s.io/v1 has it.
func modernBackend(backend map[string]any) map[string]any {
	name, named := backend["serviceName"]
	if !named {
		return backend
	}
	service := map[string]any{"name": name}
	switch port := backend["servicePort"].(type) {
	case string:
		service["port"] = map[string]any{"name": port}
	case int64, float64:
		service["port"] = map[string]any{"number": port}
	}
	delete(backend, "serviceName")
	delete(backend, "servicePort")
	backend["service"] = service
	return backend
}

// modernScaler moves the targets of metrics to where autoscaling/v2 has them.
func modernScaler(spec map[string]any) map[string]any {
	metrics, _ := spec["metrics"].([]any)
	for _, m := range metrics {
		metric, _ := m.(map[string]any)
		for _, source := range metric {
			if of, ok := source.(map[string]any); ok {
				modernTarget(of)
			}
		}
	}
	return spec
}

func modernTarget(source map[string]any) {
	for _, way := range []struct{ old, now, kind string }{
		{"targetAverageUtilization", "averageUtilization", "Utilization"},
		{"targetAverageValue", "averageValue", "AverageValue"},
		{"targetValue", "value", "Value"},
	} {
		if value, ok := source[way.old]; ok {
			source["target"] = map[string]any{"type": way.kind, way.now: value}
			delete(source, way.old)
		}
	}
	if name, ok := source["metricName"]; ok {
		source["metric"] = map[string]any{"name": name}
		delete(source, "metricName")
	}
}
