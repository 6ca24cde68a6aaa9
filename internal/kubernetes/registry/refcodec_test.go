package registry

import (
	"bytes"
	"errors"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
)

func TestReferenceIsClaimedOnce(t *testing.T) {
	for name, codec := range map[string]runtime.Codec{"storage": StorageCodec, "clients": clientSerializer(t)} {
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "web"}}
		var encoded bytes.Buffer
		if err := codec.Encode(pod, &encoded); err != nil {
			t.Fatal(err)
		}
		got := &corev1.Pod{}
		if _, _, err := codec.Decode(encoded.Bytes(), nil, got); err != nil || got.Name != "web" {
			t.Errorf("%s: decoded %q, %v", name, got.Name, err)
		}
		if _, _, err := codec.Decode(encoded.Bytes(), nil, got); !errors.Is(err, errClaimed) {
			t.Errorf("%s: decoded a second time: %v, want an error", name, err)
		}
	}
}

// A registry that got back another type than it asked for would go on with an empty object.
func TestStorageCodecRefusesAnotherType(t *testing.T) {
	data, err := runtime.Encode(StorageCodec, &corev1.Pod{})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := StorageCodec.Decode(data, nil, &corev1.Service{}); err == nil {
		t.Error("a Pod was decoded into a Service")
	}
}

// Clients read the status of a response several times, or never.
func TestStatusesAreSerialized(t *testing.T) {
	codec := clientSerializer(t)
	var encoded bytes.Buffer
	status := &metav1.Status{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}, Message: "no"}
	if err := codec.Encode(status, &encoded); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		obj, _, err := codec.Decode(encoded.Bytes(), nil, nil)
		if s, ok := obj.(*metav1.Status); err != nil || !ok || s.Message != "no" {
			t.Errorf("decoded %v, %v", obj, err)
		}
	}
}

// clientSerializer returns the serializer that clients use for RefMediaType.
func clientSerializer(t *testing.T) runtime.Serializer {
	t.Helper()
	for _, info := range WithRefCodec(scheme.Scheme).SupportedMediaTypes() {
		if info.MediaType == RefMediaType {
			return info.Serializer
		}
	}
	t.Fatal("the media type is not registered")
	return nil
}
