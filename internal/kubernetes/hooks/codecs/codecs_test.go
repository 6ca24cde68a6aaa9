package codecs

import (
	"io"
	"net/http"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
)

const mediaType = "application/vnd.seatrial.test"

func TestTypedClientsUseTheCodecs(t *testing.T) {
	defer Set(scheme.Codecs)
	Set(serializer.NewCodecFactory(scheme.Scheme, serializer.WithSerializer(
		func(runtime.ObjectCreater, runtime.ObjectTyper) runtime.SerializerInfo {
			return runtime.SerializerInfo{
				MediaType: mediaType, MediaTypeType: "application", MediaTypeSubType: "vnd.seatrial.test",
				Serializer: constant{}, StrictSerializer: constant{},
			}
		})))
	client, err := kubernetes.NewForConfig(&rest.Config{Host: "http://none.invalid", Transport: answer{}})
	if err != nil {
		t.Fatal(err)
	}
	pod, err := client.CoreV1().Pods("default").Get(t.Context(), "web", metav1.GetOptions{})
	if err != nil || pod.Name != "decoded" {
		t.Errorf("got pod %q, %v: the client does not use the codecs", pod.Name, err)
	}
}

// answer is a server that answers in the media type.
type answer struct{}

func (answer) RoundTrip(req *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {mediaType}},
		Body: io.NopCloser(strings.NewReader("x")), Request: req,
	}, nil
}

// constant decodes everything as one pod.
type constant struct{ runtime.Serializer }

func (constant) Identifier() runtime.Identifier { return "constant" }

func (constant) Decode(
	_ []byte, _ *schema.GroupVersionKind, into runtime.Object,
) (runtime.Object, *schema.GroupVersionKind, error) {
	into.(*corev1.Pod).Name = "decoded"
	return into, nil, nil
}
