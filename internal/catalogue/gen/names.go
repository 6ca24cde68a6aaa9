package main

import (
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// named is a project whose definitions cannot be passed on, or are in no module: its kinds are known by name, group
// and scope.
type named struct {
	project string
	kinds   string // GROUP: KIND KIND/PLURAL ...; lines; a kind with * before it is in no namespace
}

// knownByName are these projects. A plural is given where it is not the one that Kubernetes would guess.
var knownByName = []named{
	{"apisix-ingress-controller", `
		apisix.apache.org: ApisixRoute ApisixUpstream ApisixTls ApisixConsumer ApisixPluginConfig *ApisixClusterConfig
			ApisixGlobalRule ApisixService
	`},
	{"awx-operator", `awx.ansible.com: AWX AWXBackup AWXRestore AWXMeshIngress/awxmeshingresses`},
	{"aws-load-balancer-controller", `
		elbv2.k8s.aws: TargetGroupBinding *IngressClassParams/ingressclassparams
		gateway.k8s.aws: LoadBalancerConfiguration TargetGroupConfiguration ListenerRuleConfiguration
	`},
	{"aws-vpc-cni", `
		crd.k8s.amazonaws.com: *ENIConfig
		networking.k8s.aws: PolicyEndpoint *ClusterNetworkPolicy *ClusterPolicyEndpoint
	`},
	{"azure-pod-identity", `
		aadpodidentity.k8s.io: AzureIdentity AzureIdentityBinding AzurePodIdentityException *AzureAssignedIdentity
	`},
	{"bank-vaults", `vault.banzaicloud.com: Vault`},
	{"carvel", `
		kappctrl.k14s.io: App
		packaging.carvel.dev: PackageInstall PackageRepository
		data.packaging.carvel.dev: Package PackageMetadata/packagemetadatas
		secretgen.carvel.dev: SecretExport SecretImport
		secretgen.k14s.io: Certificate Password RSAKey SSHKey
	`},
	{"clickhouse-operator", `
		clickhouse.altinity.com: ClickHouseInstallation ClickHouseInstallationTemplate ClickHouseOperatorConfiguration
		clickhouse-keeper.altinity.com: ClickHouseKeeperInstallation
	`},
	{"cloudflare-operator", `
		networking.cfargotunnel.com: Tunnel *ClusterTunnel TunnelBinding AccessTunnel
		cert-manager.k8s.cloudflare.com: OriginIssuer *ClusterOriginIssuer
	`},
	{"confluent", `
		platform.confluent.io: Kafka/kafkas Zookeeper SchemaRegistry Connect KsqlDB ControlCenter KafkaRestProxy
			KRaftController KafkaTopic Connector ConfluentRolebinding Schema ClusterLink KafkaRestClass/kafkarestclasses
	`},
	{"consul", `
		consul.hashicorp.com: IngressGateway Mesh ProxyDefaults/proxydefaults ServiceDefaults/servicedefaults
			ServiceIntentions/serviceintentions ServiceResolver ServiceRouter ServiceSplitter TerminatingGateway
			ExportedServices/exportedservices PeeringAcceptor PeeringDialer SamenessGroup JWTProvider
			ControlPlaneRequestLimit RouteAuthFilter RouteRetryFilter RouteTimeoutFilter Registration
	`},
	{"containerized-data-importer", `
		cdi.kubevirt.io: DataVolume DataSource DataImportCron VolumeCloneSource VolumeImportSource VolumeUploadSource
			*CDI *CDIConfig *StorageProfile *ObjectTransfer
	`},
	{"crunchy-postgres", `
		postgres-operator.crunchydata.com: PostgresCluster PGUpgrade PGAdmin CrunchyBridgeCluster
	`},
	{"datadog", `
		datadoghq.com: DatadogAgent DatadogAgentProfile DatadogDashboard DatadogGenericResource DatadogMetric
			DatadogMonitor DatadogPodAutoscaler DatadogSLO
	`},
	{"devworkspace", `
		workspace.devfile.io: DevWorkspace DevWorkspaceTemplate
		controller.devfile.io: DevWorkspaceOperatorConfig DevWorkspaceRouting
		org.eclipse.che: CheCluster
	`},
	{"dragonfly", `dragonflydb.io: Dragonfly`},
	{"dynatrace", `dynatrace.com: DynaKube EdgeConnect`},
	{"elastic", `
		elasticsearch.k8s.elastic.co: Elasticsearch
		kibana.k8s.elastic.co: Kibana
		apm.k8s.elastic.co: ApmServer
		beat.k8s.elastic.co: Beat
		agent.k8s.elastic.co: Agent
		logstash.k8s.elastic.co: Logstash
		maps.k8s.elastic.co: ElasticMapsServer
		enterprisesearch.k8s.elastic.co: EnterpriseSearch
		autoscaling.k8s.elastic.co: ElasticsearchAutoscaler
		stackconfigpolicy.k8s.elastic.co: StackConfigPolicy
	`},
	{"fission", `
		fission.io: Function Environment Package HTTPTrigger TimeTrigger KubernetesWatchTrigger MessageQueueTrigger
			CanaryConfig
	`},
	{"flink-operator", `
		flink.apache.org: FlinkDeployment FlinkSessionJob FlinkStateSnapshot FlinkBlueGreenDeployment
	`},
	{"flux-image", `image.toolkit.fluxcd.io: ImageRepository ImagePolicy ImageUpdateAutomation`},
	{"flux-operator", `fluxcd.controlplane.io: FluxInstance FluxReport ResourceSet ResourceSetInputProvider`},
	{"gloo", `
		gateway.solo.io: VirtualService Gateway RouteTable RouteOption VirtualHostOption MatchableHttpGateway
		gloo.solo.io: Upstream UpstreamGroup Settings/settings Proxy
		enterprise.gloo.solo.io: AuthConfig
	`},
	{"grafana-agent", `
		monitoring.grafana.com: GrafanaAgent Integration LogsInstance MetricsInstance PodLogs/podlogs
	`},
	{"haproxy-ingress", `
		core.haproxy.org: Backend Defaults/defaults Global
		ingress.v1.haproxy.org: Backend Defaults/defaults Global TCP/tcps
	`},
	{"infinispan", `infinispan.org: Infinispan Cache Backup Restore Batch Schema`},
	{"k8ssandra", `
		k8ssandra.io: K8ssandraCluster
		reaper.k8ssandra.io: Reaper
		medusa.k8ssandra.io: MedusaBackup MedusaBackupJob MedusaBackupSchedule MedusaConfiguration MedusaRestoreJob
			MedusaTask
		stargate.k8ssandra.io: Stargate
	`},
	{"kargo", `
		kargo.akuity.io: *Project Stage Warehouse Freight/freights Promotion PromotionTask *ClusterPromotionTask
			ProjectConfig *ClusterConfig
	`},
	{"keycloak", `k8s.keycloak.org: Keycloak KeycloakRealmImport`},
	{"kgateway", `
		gateway.kgateway.dev: Backend BackendConfigPolicy DirectResponse GatewayExtension
			GatewayParameters/gatewayparameters HTTPListenerPolicy TrafficPolicy
	`},
	{"kiali", `kiali.io: Kiali OSSMConsole`},
	{"kpack", `
		kpack.io: Image Build Builder Buildpack SourceResolver *ClusterBuilder *ClusterBuildpack *ClusterStack
			*ClusterStore *ClusterLifecycle
	`},
	{"kubeflow", `kubeflow.org: Notebook *Profile PodDefault`},
	{"kubevela", `
		core.oam.dev: Application ApplicationRevision ComponentDefinition PolicyDefinition TraitDefinition
			WorkflowStepDefinition WorkloadDefinition Policy Workflow ResourceTracker
	`},
	{"kuma", `
		kuma.io: *Mesh *Dataplane *DataplaneInsight *ExternalService *HealthCheck *MeshGateway *MeshGatewayRoute
			*MeshInsight *ProxyTemplate *RateLimit *Retry *Timeout *TrafficLog *TrafficPermission *TrafficRoute
			*TrafficTrace *Zone *ZoneIngress *ZoneEgress MeshAccessLog MeshCircuitBreaker MeshFaultInjection
			MeshHealthCheck MeshHTTPRoute MeshLoadBalancingStrategy MeshMetric MeshPassthrough MeshProxyPatch
			MeshRateLimit MeshRetry MeshService MeshTCPRoute MeshTimeout MeshTLS/meshtlses MeshTrace
			MeshTrafficPermission ContainerPatch
	`},
	{"linkerd", `
		linkerd.io: ServiceProfile
		multicluster.linkerd.io: Link
		policy.linkerd.io: AuthorizationPolicy EgressNetwork HTTPLocalRateLimitPolicy HTTPRoute MeshTLSAuthentication
			NetworkAuthentication Server ServerAuthorization
		workload.linkerd.io: ExternalWorkload
	`},
	{"litmus", `litmuschaos.io: ChaosEngine ChaosExperiment ChaosResult`},
	{"logging-operator", `
		logging.banzaicloud.io: *ClusterFlow/clusterflows ClusterOutput Flow Output *Logging *LoggingRoute
			*FluentbitAgent FluentdConfig *NodeAgent SyslogNGClusterFlow SyslogNGClusterOutput SyslogNGConfig SyslogNGFlow SyslogNGOutput
	`},
	{"loki-operator", `
		loki.grafana.com: LokiStack AlertingRule RecordingRule RulerConfig
		tempo.grafana.com: TempoStack TempoMonolithic
	`},
	{"minio", `
		minio.min.io: Tenant
		sts.min.io: PolicyBinding
	`},
	{"mongodb", `
		mongodb.com: MongoDB/mongodb MongoDBMultiCluster/mongodbmulticluster MongoDBOpsManager/opsmanagers MongoDBUser
			MongoDBSearch/mongodbsearch
		mongodbcommunity.mongodb.com: MongoDBCommunity/mongodbcommunity
		psmdb.percona.com: PerconaServerMongoDB PerconaServerMongoDBBackup PerconaServerMongoDBRestore
	`},
	{"mysql", `
		mysql.oracle.com: InnoDBCluster MySQLBackup
		mysql.presslabs.org: MysqlCluster MysqlBackup MysqlDatabase MysqlUser
		ps.percona.com: PerconaServerMySQL PerconaServerMySQLBackup PerconaServerMySQLRestore
	`},
	{"nats", `jetstream.nats.io: Account Consumer KeyValue ObjectStore Stream`},
	{"nginx-gateway-fabric", `
		gateway.nginx.org: ClientSettingsPolicy NginxGateway NginxProxy ObservabilityPolicy SnippetsFilter
			UpstreamSettingsPolicy
	`},
	{"ngrok", `
		ngrok.k8s.ngrok.com: AgentEndpoint BoundEndpoint CloudEndpoint KubernetesOperator NgrokTrafficPolicy
		ingress.k8s.ngrok.com: Domain IPPolicy
	`},
	{"nmstate", `
		nmstate.io: *NMState *NodeNetworkState *NodeNetworkConfigurationPolicy *NodeNetworkConfigurationEnactment
	`},
	{"noobaa", `
		noobaa.io: NooBaa BackingStore BucketClass NamespaceStore NooBaaAccount
		objectbucket.io: ObjectBucketClaim *ObjectBucket
	`},
	{"nvidia-network-operator", `mellanox.com: *NicClusterPolicy *HostDeviceNetwork *IPoIBNetwork *MacvlanNetwork`},
	{"olm-v1", `olm.operatorframework.io: *ClusterExtension *ClusterCatalog`},
	{"opensearch", `
		opensearch.opster.io: OpenSearchCluster OpensearchActionGroup OpensearchComponentTemplate OpensearchIndexTemplate
			OpenSearchISMPolicy OpensearchRole OpensearchTenant OpensearchUser OpensearchUserRoleBinding
	`},
	{"openshift-operators", `
		hive.openshift.io: ClusterDeployment ClusterPool ClusterClaim *ClusterImageSet *HiveConfig *SelectorSyncSet
			MachinePool SyncSet
		local.storage.openshift.io: LocalVolume LocalVolumeSet LocalVolumeDiscovery
		logging.openshift.io: ClusterLogging ClusterLogForwarder LogFileMetricExporter
		observability.openshift.io: ClusterLogForwarder
		lvm.topolvm.io: LVMCluster
		ocs.openshift.io: StorageCluster OCSInitialization StorageConsumer
		sriovnetwork.openshift.io: SriovNetworkPoolConfig
		tuned.openshift.io: Tuned Profile
		performance.openshift.io: *PerformanceProfile
	`},
	{"ory", `
		hydra.ory.sh: OAuth2Client
		oathkeeper.ory.sh: Rule
	`},
	{"percona-postgresql", `
		pgv2.percona.com: PerconaPGBackup PerconaPGCluster PerconaPGRestore PerconaPGUpgrade
	`},
	{"piraeus", `
		piraeus.io: *LinstorCluster *LinstorNodeConnection *LinstorSatellite *LinstorSatelliteConfiguration
	`},
	{"pulumi", `pulumi.com: Stack Program`},
	{"rabbitmq", `
		rabbitmq.com: RabbitmqCluster Binding Exchange Federation OperatorPolicy Permission Policy Queue
			SchemaReplication Shovel SuperStream TopicPermission User Vhost
	`},
	{"rancher", `
		catalog.cattle.io: App *ClusterRepo Operation
		provisioning.cattle.io: Cluster
		resources.cattle.io: *Backup *Restore *ResourceSet
		upgrade.cattle.io: Plan
	`},
	{"redhat-cop", `
		redhatcop.redhat.io: *GroupSync *NamespaceConfig *GroupConfig *UserConfig Patch KeepalivedGroup
	`},
	{"redis-operator", `redis.redis.opstreelabs.in: Redis/redis RedisCluster RedisReplication RedisSentinel`},
	{"scylla", `
		scylla.scylladb.com: ScyllaCluster *NodeConfig *ScyllaOperatorConfig ScyllaDBMonitoring ScyllaDBCluster
			ScyllaDBDatacenter
	`},
	{"secret-generator", `secretgenerator.mittwald.de: BasicAuth SSHKeyPair StringSecret`},
	{"seldon", `
		machinelearning.seldon.io: SeldonDeployment
		mlops.seldon.io: Experiment Model Pipeline Server ServerConfig SeldonConfig SeldonRuntime
	`},
	{"service-mesh-interface", `
		access.smi-spec.io: TrafficTarget
		specs.smi-spec.io: HTTPRouteGroup TCPRoute UDPRoute
		split.smi-spec.io: TrafficSplit
	`},
	{"service-mesh-operator", `
		maistra.io: ServiceMeshControlPlane ServiceMeshMember ServiceMeshMemberRoll ServiceMeshExtension
		sailoperator.io: *Istio *IstioRevision *IstioRevisionTag *IstioCNI *ZTunnel
	`},
	{"sops-secrets-operator", `isindir.github.com: SopsSecret`},
	{"strimzi", `
		kafka.strimzi.io: Kafka/kafkas KafkaBridge KafkaConnect KafkaConnector KafkaMirrorMaker KafkaMirrorMaker2
			KafkaNodePool KafkaRebalance KafkaTopic KafkaUser
		core.strimzi.io: StrimziPodSet
	`},
	{"submariner", `
		submariner.io: Broker ClusterGlobalEgressIP Endpoint GlobalEgressIP GlobalIngressIP Submariner ServiceDiscovery
	`},
	{"testkube", `
		tests.testkube.io: Test TestExecution TestSource TestSuite TestSuiteExecution TestTrigger
		testworkflows.testkube.io: TestWorkflow TestWorkflowTemplate TestWorkflowExecution
		executor.testkube.io: Executor Webhook
	`},
	{"tidb-operator-v2", `
		br.pingcap.com: Backup BackupSchedule CompactBackup Restore TiBR TiBRGC
		core.pingcap.com: Cluster PD PDGroup Scheduler SchedulerGroup Scheduling SchedulingGroup TSO TSOGroup TiCDC
			TiCDCGroup TiDB TiDBGroup TiFlash TiFlashGroup TiKV TiKVGroup TiProxy TiProxyGroup
	`},
	{"tofu-controller", `infra.contrib.fluxcd.io: Terraform`},
	{"topolvm", `
		topolvm.io: *LogicalVolume
		topolvm.cybozu.com: *LogicalVolume
	`},
	{"vault-secrets-operator", `
		secrets.hashicorp.com: CSISecrets/csisecrets HCPAuth HCPVaultSecretsApp SecretTransformation VaultAuth
			VaultAuthGlobal VaultConnection VaultDynamicSecret VaultPKISecret VaultStaticSecret
	`},
	{"volcano", `
		batch.volcano.sh: Job CronJob
		bus.volcano.sh: Command
		flow.volcano.sh: JobFlow JobTemplate
		nodeinfo.volcano.sh: *Numatopology
		scheduling.volcano.sh: PodGroup *Queue
		topology.volcano.sh: *HyperNode
	`},
	{"volsync", `volsync.backube: ReplicationSource ReplicationDestination`},
	{"zookeeper-operator", `zookeeper.pravega.io: ZookeeperCluster`},
}

// definitions returns the kinds of a project that is known by name, without texts.
func (n named) definitions() (all []*definition) {
	group := ""
	for word := range strings.FieldsSeq(n.kinds) {
		if name, ok := strings.CutSuffix(word, ":"); ok {
			group = name
			continue
		}
		name, cluster := strings.CutPrefix(word, "*")
		kind, plural, given := strings.Cut(name, "/")
		if !given {
			guess, _ := meta.UnsafeGuessKindToResource(schema.GroupVersionKind{Kind: kind})
			plural = guess.Resource
		}
		d := &definition{}
		d.Metadata.Name = plural + "." + group
		d.Spec.Group, d.Spec.Scope = group, "Namespaced"
		if cluster {
			d.Spec.Scope = "Cluster"
		}
		d.Spec.Names.Kind, d.Spec.Names.Plural, d.Spec.Names.Singular = kind, plural, strings.ToLower(kind)
		all = append(all, d)
	}
	return all
}
