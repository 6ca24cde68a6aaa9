package kubelet

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	v1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// attachDriver is a driver whose disks a node takes up to a number that its machine type decides.
type attachDriver struct {
	name string
	// the provisioner that was part of Kubernetes before, and that it serves as well
	migrated string
	cloud    string                     // what the provider ID of its nodes begins with
	most     func(machine string) int32 // 0: not known; of an empty machine type: what most have
}

// attachDrivers are the drivers whose limits are known. docs/plan.md lists them with their sources.
var attachDrivers = []attachDriver{
	{"disk.csi.azure.com", "kubernetes.io/azure-disk", "azure:", azureDisks},
	{"ebs.csi.aws.com", "kubernetes.io/aws-ebs", "aws:", elasticBlockStores},
	{"pd.csi.storage.gke.io", "kubernetes.io/gce-pd", "gce:", persistentDisks},
}

// AttachLimited reports whether a driver, or the provisioner that it has replaced, attaches a limited number of volumes
// to a node by what is known of it.
func AttachLimited(driver string) bool {
	return slices.ContainsFunc(
		attachDrivers, func(d attachDriver) bool { return driver == d.name || driver == d.migrated },
	)
}

// CSINode returns how many volumes a node takes of the drivers that may run on it: those of its cloud, or, if it states
// none, all that are known. It is nil if nothing is known.
func CSINode(node *v1.Node) *storagev1.CSINode {
	machine, migrated := node.Labels[v1.LabelInstanceTypeStable], []string{}
	made := &storagev1.CSINode{ObjectMeta: metav1.ObjectMeta{Name: node.Name}}
	for _, d := range attachDrivers {
		if node.Spec.ProviderID != "" && !strings.HasPrefix(node.Spec.ProviderID, d.cloud) {
			continue
		}
		if most := d.most(machine); most > 0 {
			made.Spec.Drivers = append(made.Spec.Drivers, storagev1.CSINodeDriver{
				Name: d.name, NodeID: node.Name, Allocatable: &storagev1.VolumeNodeResources{Count: &most},
			})
			migrated = append(migrated, d.migrated)
		}
	}
	if len(migrated) == 0 {
		return nil
	}
	made.Annotations = map[string]string{v1.MigratedPluginsAnnotationKey: strings.Join(migrated, ",")}
	return made
}

// olderInstances are the families of EC2 instances that are not built on Nitro.
var olderInstances = regexp.MustCompile(`^(t2|[cmr][34]|x1e?|p[23]|g3|d2|h1)\.`)

// dedicatedInstances are families whose limit for volumes is not shared with other devices.
var dedicatedInstances = regexp.MustCompile(`^(?:[mcr]7i|[mc]7a|r7a|r7iz)\.(\w+)$`)

// elasticBlockStores returns how many EBS volumes an EC2 instance takes beside its root volume.
func elasticBlockStores(machine string) int32 {
	if m := dedicatedInstances.FindStringSubmatch(machine); m != nil {
		switch m[1] {
		case "16xlarge":
			return 47
		case "24xlarge":
			return 63
		case "32xlarge":
			return 87
		case "48xlarge":
			return 127
		}
		return 31
	}
	if olderInstances.MatchString(machine) {
		return 38
	}
	return 25 // 28 attachments, of which the root volume and two network interfaces take three
}

// sharedCores are the machine types of Compute Engine that take few disks.
var sharedCores = []string{"e2-micro", "e2-small", "e2-medium", "f1-micro", "g1-small"}

// persistentDisks returns how many disks a machine of Compute Engine takes beside its boot disk.
func persistentDisks(machine string) int32 {
	family, _, _ := strings.Cut(machine, "-")
	switch {
	case slices.Contains(sharedCores, machine):
		return 15
	case len(family) > 1 && family[1] >= '4': // it depends on the disks' type
		return 0
	}
	return 127
}

// azureSizes are sizes of virtual machines whose limit follows from their number of virtual CPUs.
var azureSizes = regexp.MustCompile(`^(?i)standard_(?:b(\d+)m?s|[de](\d+)[a-z]*_v[345]|f(\d+)s_v2)$`)

// azureDisks returns how many data disks a virtual machine of Azure takes.
func azureDisks(machine string) int32 {
	if m := azureSizes.FindStringSubmatch(machine); m != nil {
		cpus, err := strconv.Atoi(m[1] + m[2] + m[3])
		if err == nil && cpus > 1 {
			return int32(min(2*cpus, 32))
		}
	}
	return 16 // what the driver takes for sizes that it does not know
}
