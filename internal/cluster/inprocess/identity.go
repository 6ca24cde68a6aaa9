package inprocess

import "k8s.io/apiserver/pkg/authentication/user"

// Admin is the user of every request that does not impersonate another.
var Admin = &user.DefaultInfo{
	Name: "kubernetes-admin", Groups: []string{user.SystemPrivilegedGroup, user.AllAuthenticated},
}

// User agents of the API server's own plugins and informers, of controllers and of kubelets.
const (
	ServerAgent  = "kube-apiserver"
	ManagerAgent = "kube-controller-manager"
	KubeletAgent = "kubelet"
)
