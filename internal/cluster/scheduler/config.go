package scheduler

import (
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/kubernetes/pkg/scheduler/apis/config"
	"k8s.io/kubernetes/pkg/scheduler/apis/config/latest"
	"k8s.io/kubernetes/pkg/scheduler/apis/config/scheme"
	"k8s.io/kubernetes/pkg/scheduler/apis/config/validation"
)

// ReadConfig reads a KubeSchedulerConfiguration, as kube-scheduler does from the file of --config: unknown fields are
// an error, what is not set is defaulted, and the result is validated.
func ReadConfig(data []byte) (*config.KubeSchedulerConfiguration, error) {
	codecs := serializer.NewCodecFactory(scheme.Scheme, serializer.EnableStrict)
	decoded, _, err := codecs.UniversalDecoder().Decode(data, nil, nil)
	if err != nil {
		return nil, err
	}
	c, ok := decoded.(*config.KubeSchedulerConfiguration)
	if !ok {
		return nil, fmt.Errorf("want a KubeSchedulerConfiguration, got %s", kindOf(decoded))
	}
	if len(c.Extenders) > 0 {
		return nil, errors.New("extenders: a simulation asks no services: leave them out")
	}
	if c.ClientConnection.Kubeconfig == "" {
		c.ClientConnection.Kubeconfig = "none" // it is not used, and wanted by the validation
	}
	if err := validation.ValidateKubeSchedulerConfiguration(c); err != nil {
		return nil, err
	}
	return c, nil
}

func kindOf(o runtime.Object) string {
	if kind := o.GetObjectKind().GroupVersionKind().Kind; kind != "" {
		return kind
	}
	return fmt.Sprintf("%T", o)
}

// configuration returns the configuration of some text, or the default.
func configuration(data []byte) (*config.KubeSchedulerConfiguration, error) {
	if len(data) == 0 {
		return latest.Default()
	}
	return ReadConfig(data)
}
