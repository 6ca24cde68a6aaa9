package kubelet

import (
	"context"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// tokenKey names a token: one for each pod and each of its projections.
type tokenKey struct {
	pod      types.UID
	audience string
	seconds  int64
}

// issued is a token that was issued.
type issued struct {
	text string
	at   time.Time
}

// tokenPatience is how long the API server may take for a token.
const tokenPatience = 5 * time.Second

// token returns the token of a pod's service account that a projection asks for, empty if none can be issued. A token
// is kept for most of its life, as a kubelet keeps it.
func (k *Kubelet) token(pod *v1.Pod, p *v1.ServiceAccountTokenProjection) string {
	key := tokenKey{pod.UID, p.Audience, 3600}
	if p.ExpirationSeconds != nil {
		key.seconds = *p.ExpirationSeconds
	}
	if old, ok := k.tokens[key]; ok && time.Since(old.at) < time.Duration(key.seconds)*time.Second*8/10 {
		return old.text
	}
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{
		ExpirationSeconds: &key.seconds,
		BoundObjectRef: &authenticationv1.BoundObjectReference{
			APIVersion: "v1", Kind: "Pod", Name: pod.Name, UID: pod.UID,
		},
	}}
	if p.Audience != "" {
		request.Spec.Audiences = []string{p.Audience}
	}
	ctx, cancel := context.WithTimeout(context.Background(), tokenPatience)
	defer cancel()
	made, err := k.client.CoreV1().ServiceAccounts(pod.Namespace).CreateToken(
		ctx, pod.Spec.ServiceAccountName, request, metav1.CreateOptions{},
	)
	if err != nil {
		return ""
	}
	for old := range k.tokens {
		if k.pods[old.pod] == nil {
			delete(k.tokens, old)
		}
	}
	k.tokens[key] = issued{made.Status.Token, time.Now()}
	return made.Status.Token
}
