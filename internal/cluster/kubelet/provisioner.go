package kubelet

// Provisioner is the provisioner of the default storage class: volumes that exist only in the simulation.
const Provisioner = "seatrial.dev/simulated"
