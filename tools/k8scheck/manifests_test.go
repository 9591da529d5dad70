// Package k8scheck renders the manifests of deploy/ as an operator would and holds them against the Kubernetes API's
// types and the house's rules for pods. It is a module of its own: those types must not weigh on the services.
package k8scheck

import (
	"os"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

const deploy = "../../deploy/"

// site is what one folder renders to.
type site struct {
	configMaps  map[string]*corev1.ConfigMap
	secrets     map[string]*corev1.Secret
	services    map[string]*corev1.Service
	accounts    map[string]*corev1.ServiceAccount
	deployments map[string]*appsv1.Deployment
	stateful    map[string]*appsv1.StatefulSet
	jobs        map[string]*batchv1.Job
	budgets     map[string]*policyv1.PodDisruptionBudget
	policies    map[string]*networkingv1.NetworkPolicy
	namespaces  map[string]*corev1.Namespace
}

// program is what the suite consists of.
type program struct{ name, command string }

var programs = []program{
	{"evaluation", "evaluationd"}, {"ordergate", "ordergated"}, {"receivables", "receivablesd"}, {"gateway", "gatewayd"},
}

func folders(t *testing.T) []string {
	t.Helper()
	found := []string{"base"}
	entries, err := os.ReadDir(deploy + "overlays")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		found = append(found, "overlays/"+e.Name())
	}
	return found
}

func TestEverySiteHoldsTheRules(t *testing.T) {
	t.Parallel()
	for _, folder := range folders(t) {
		t.Run(folder, func(t *testing.T) {
			t.Parallel()
			s := render(t, folder)
			for _, p := range programs {
				checkProgram(t, s, p)
			}
			for name, pod := range s.pods() {
				checkPod(t, name, pod)
				checkReferences(t, s, name, pod, folder == "base")
			}
			checkNamespace(t, s)
			checkNetwork(t, s)
		})
	}
}

func TestBaseHoldsNoSecret(t *testing.T) {
	t.Parallel()
	s := render(t, "base")
	for name := range s.secrets {
		t.Errorf("secret %s: the base refers to secrets, overlays or operators bring them", name)
	}
	for name, m := range s.configMaps {
		for key, value := range m.Data {
			if strings.Contains(value, "://") && strings.Contains(value, "@") {
				t.Errorf("config map %s: %s carries credentials", name, key)
			}
		}
	}
}

// Every setting that the manifests make is one the operator's guide explains.
func TestSettingsAreExplained(t *testing.T) {
	t.Parallel()
	guide, err := os.ReadFile(deploy + "README.md")
	if err != nil {
		t.Fatal(err)
	}
	set := map[string]bool{}
	s := render(t, "overlays/local")
	for _, m := range s.configMaps {
		for key := range m.Data {
			set[key] = true
		}
	}
	for _, pod := range s.pods() {
		for _, e := range pod.Containers[0].Env {
			set[e.Name] = true
		}
	}
	for name := range set {
		if strings.HasPrefix(name, "AVAL_") && !strings.Contains(string(guide), "`"+name+"`") {
			t.Errorf("README.md says nothing of %s", name)
		}
	}
}

// What the checks are for is found: a field the API does not have, and each rule for pods.
func TestAMisspeltFieldIsFound(t *testing.T) {
	t.Parallel()
	var d appsv1.Deployment
	if err := yaml.UnmarshalStrict([]byte("apiVersion: apps/v1\nkind: Deployment\nspec: {replica: 2}\n"), &d); err == nil {
		t.Error("a misspelt field was taken")
	}
}

func TestLoosePodsAreFound(t *testing.T) {
	t.Parallel()
	for name, loosen := range map[string]func(*corev1.PodSpec){
		"root":          func(p *corev1.PodSpec) { p.SecurityContext.RunAsNonRoot = new(false) },
		"seccomp":       func(p *corev1.PodSpec) { p.SecurityContext.SeccompProfile = nil },
		"token mounted": func(p *corev1.PodSpec) { p.AutomountServiceAccountToken = nil },
		"escalation":    func(p *corev1.PodSpec) { p.Containers[0].SecurityContext.AllowPrivilegeEscalation = nil },
		"writable root": func(p *corev1.PodSpec) { p.Containers[0].SecurityContext.ReadOnlyRootFilesystem = nil },
		"capabilities":  func(p *corev1.PodSpec) { p.Containers[0].SecurityContext.Capabilities = nil },
		"capability added": func(p *corev1.PodSpec) {
			p.Containers[0].SecurityContext.Capabilities.Add = []corev1.Capability{"NET_ADMIN"}
		},
		"privileged":          func(p *corev1.PodSpec) { p.Containers[0].SecurityContext.Privileged = new(true) },
		"no context":          func(p *corev1.PodSpec) { p.Containers[0].SecurityContext = nil },
		"memory not reserved": func(p *corev1.PodSpec) { p.Containers[0].Resources.Requests = nil },
		"host network":        func(p *corev1.PodSpec) { p.HostNetwork = true },
		"host path": func(p *corev1.PodSpec) {
			p.Volumes = append(p.Volumes, corev1.Volume{Name: "h", VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/"}}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pod := render(t, "base").deployments["ordergate"].Spec.Template.Spec
			if found := podFaults(pod); len(found) > 0 {
				t.Fatalf("before: %q", found)
			}
			loosen(&pod)
			if len(podFaults(pod)) == 0 {
				t.Error("not found")
			}
		})
	}
}

func checkProgram(t *testing.T, s site, p program) {
	t.Helper()
	d := s.deployments[p.name]
	if d == nil {
		t.Errorf("%s: no deployment", p.name)
		return
	}
	spec := d.Spec.Template.Spec
	c := spec.Containers[0]
	if !slices.Equal(c.Command, []string{p.command}) {
		t.Errorf("%s runs %q", p.name, c.Command)
	}
	if s.accounts[spec.ServiceAccountName] == nil || spec.ServiceAccountName != p.name {
		t.Errorf("%s: service account %q", p.name, spec.ServiceAccountName)
	}
	checkProbes(t, p, c)
	checkMemoryLimit(t, p.name, c)
	if g := spec.TerminationGracePeriodSeconds; g == nil || *g != 45 || c.Lifecycle == nil || c.Lifecycle.PreStop == nil {
		t.Errorf("%s: no orderly shutdown", p.name)
	}
	if len(spec.TopologySpreadConstraints) == 0 {
		t.Errorf("%s: pods are not spread", p.name)
	}
	pods := labels.Set(d.Spec.Template.Labels)
	budget := s.budgets[p.name]
	if budget == nil || !selects(t, budget.Spec.Selector, pods) || budget.Spec.MaxUnavailable.IntValue() != 1 {
		t.Errorf("%s: no disruption budget of one pod", p.name)
	}
	service := s.services[p.name]
	if service == nil || !labels.SelectorFromSet(service.Spec.Selector).Matches(pods) {
		t.Errorf("%s: no service that selects its pods", p.name)
		return
	}
	if p.name == "gateway" {
		return
	}
	if service.Spec.ClusterIP != corev1.ClusterIPNone {
		t.Errorf("%s: gRPC callers need all addresses, so a headless service", p.name)
	}
	job := s.jobs[p.name+"-migrate"]
	if job == nil || !slices.Equal(job.Spec.Template.Spec.Containers[0].Command, []string{p.command, "--migrate"}) {
		t.Errorf("%s: no migration job", p.name)
	} else if labels.SelectorFromSet(service.Spec.Selector).Matches(labels.Set(job.Spec.Template.Labels)) {
		t.Errorf("%s: the service would send calls to the migration", p.name)
	}
}

func checkProbes(t *testing.T, p program, c corev1.Container) {
	t.Helper()
	for name, probe := range map[string]*corev1.Probe{"startup": c.StartupProbe, "ready": c.ReadinessProbe, "live": c.LivenessProbe} {
		switch {
		case probe == nil:
			t.Errorf("%s: no %s probe", p.name, name)
		case p.name == "gateway" && (probe.HTTPGet == nil || (name == "ready") != (probe.HTTPGet.Path == "/readyz")):
			t.Errorf("%s: %s probe asks %+v", p.name, name, probe.HTTPGet)
		case p.name != "gateway" && (probe.GRPC == nil || probe.GRPC.Service == nil || *probe.GRPC.Service != name):
			t.Errorf("%s: %s probe asks %+v", p.name, name, probe.GRPC)
		}
	}
}

// checkMemoryLimit: the collector has to work harder before the kernel ends the process.
func checkMemoryLimit(t *testing.T, name string, c corev1.Container) {
	t.Helper()
	i := slices.IndexFunc(c.Env, func(e corev1.EnvVar) bool { return e.Name == "GOMEMLIMIT" })
	if i < 0 {
		t.Errorf("%s: no GOMEMLIMIT", name)
		return
	}
	soft, err := resource.ParseQuantity(strings.TrimSuffix(c.Env[i].Value, "B"))
	hard := c.Resources.Limits.Memory().Value()
	if err != nil || soft.Value() > hard*92/100 || soft.Value() < hard*85/100 {
		t.Errorf("%s: GOMEMLIMIT %s is not about 90 %% of %s", name, c.Env[i].Value, c.Resources.Limits.Memory())
	}
}

func checkPod(t *testing.T, name string, pod corev1.PodSpec) {
	t.Helper()
	for _, fault := range podFaults(pod) {
		t.Errorf("%s: %s", name, fault)
	}
}

// podFaults holds a pod against the profile "restricted" of the Pod Security Standards and what we ask beyond it.
func podFaults(pod corev1.PodSpec) (faults []string) {
	sc := pod.SecurityContext
	if sc == nil || !is(sc.RunAsNonRoot, true) || sc.RunAsUser == nil || *sc.RunAsUser == 0 {
		faults = append(faults, "may run as root")
	}
	if sc == nil || sc.SeccompProfile == nil || sc.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault {
		faults = append(faults, "no seccomp profile")
	}
	if !is(pod.AutomountServiceAccountToken, false) {
		faults = append(faults, "mounts a token for the cluster's API")
	}
	if pod.HostNetwork || pod.HostPID || pod.HostIPC {
		faults = append(faults, "shares the host's namespaces")
	}
	for _, v := range pod.Volumes {
		if v.Secret == nil && v.Projected == nil && v.EmptyDir == nil && v.ConfigMap == nil {
			faults = append(faults, "volume "+v.Name+" is of a kind that is not allowed")
		}
	}
	for _, c := range slices.Concat(pod.InitContainers, pod.Containers) {
		faults = append(faults, containerFaults(c)...)
	}
	return faults
}

func containerFaults(c corev1.Container) (faults []string) {
	sc := c.SecurityContext
	if sc == nil {
		return []string{c.Name + ": no security context"}
	}
	if !is(sc.AllowPrivilegeEscalation, false) || is(sc.Privileged, true) {
		faults = append(faults, c.Name+": may gain privileges")
	}
	if !is(sc.ReadOnlyRootFilesystem, true) {
		faults = append(faults, c.Name+": may write to its image")
	}
	if caps := sc.Capabilities; caps == nil || !slices.Contains(caps.Drop, "ALL") || len(caps.Add) > 0 {
		faults = append(faults, c.Name+": keeps capabilities")
	}
	want, limit := c.Resources.Requests.Memory(), c.Resources.Limits.Memory()
	if want.IsZero() || c.Resources.Requests.Cpu().IsZero() || want.Cmp(*limit) != 0 {
		faults = append(faults, c.Name+": cpu and memory must be asked for, and no more memory used than asked for")
	}
	if !c.Resources.Limits.Cpu().IsZero() {
		faults = append(faults, c.Name+": a cpu limit only adds waiting")
	}
	return faults
}

// checkReferences: what a pod names exists, but for secrets, which the base leaves to the operator, and is used.
func checkReferences(t *testing.T, s site, name string, pod corev1.PodSpec, base bool) {
	t.Helper()
	mounted := map[string]bool{}
	for _, c := range pod.Containers {
		for _, m := range c.VolumeMounts {
			mounted[m.Name] = true
		}
		for _, from := range c.EnvFrom {
			if from.ConfigMapRef == nil || s.configMaps[from.ConfigMapRef.Name] == nil {
				t.Errorf("%s: settings come from %+v, which is not there", name, from)
			}
		}
		for _, e := range c.Env {
			if e.ValueFrom != nil && e.ValueFrom.SecretKeyRef != nil {
				t.Errorf("%s: %s: secrets come as files, the environment is too easily shown", name, e.Name)
			}
			if path, ok := strings.CutPrefix(e.Value, "/run/secrets/"); ok && !strings.HasSuffix(e.Name, "_FILE") {
				t.Errorf("%s: %s=%s", name, e.Name, path)
			}
		}
	}
	for _, v := range pod.Volumes {
		if !mounted[v.Name] {
			t.Errorf("%s: volume %s is not mounted", name, v.Name)
		}
		if v.Secret != nil && !base && s.secrets[v.Secret.SecretName] == nil {
			t.Errorf("%s: there is no secret %s", name, v.Secret.SecretName)
		}
	}
}

func checkNamespace(t *testing.T, s site) {
	t.Helper()
	ns := s.namespaces["aval"]
	if ns == nil || ns.Labels["pod-security.kubernetes.io/enforce"] != "restricted" {
		t.Error("the namespace does not enforce the restricted profile")
	}
}

// checkNetwork: all is denied first, and the edges the programs need are there.
func checkNetwork(t *testing.T, s site) {
	t.Helper()
	deny := s.policies["default-deny"]
	if deny == nil || len(deny.Spec.PodSelector.MatchLabels)+len(deny.Spec.PodSelector.MatchExpressions) > 0 ||
		len(deny.Spec.PolicyTypes) != 2 || len(deny.Spec.Ingress)+len(deny.Spec.Egress) > 0 {
		t.Error("no policy that denies everything first")
	}
	phases := []string{"evaluation", "ordergate", "receivables"}
	for _, from := range programs {
		for _, to := range programs {
			want := slices.Contains(phases, to.name) // everyone calls the phases, nobody the gateway
			if got := s.connected(t, from.name, to.name, 9090); got != want && from != to {
				t.Errorf("from %s to %s on 9090: allowed %t, want %t", from.name, to.name, got, want)
			}
		}
	}
}

// connected reports whether a packet may leave one program's pods and enter the other's, by pod selectors alone.
func (s site) connected(t *testing.T, from, to string, port int) bool {
	t.Helper()
	a, b := labels.Set(s.deployments[from].Spec.Template.Labels), labels.Set(s.deployments[to].Spec.Template.Labels)
	named := ""
	for _, p := range s.deployments[to].Spec.Template.Spec.Containers[0].Ports {
		if int(p.ContainerPort) == port {
			named = p.Name
		}
	}
	admits := func(peers []networkingv1.NetworkPolicyPeer, ports []networkingv1.NetworkPolicyPort, other labels.Set) bool {
		return slices.ContainsFunc(peers, func(p networkingv1.NetworkPolicyPeer) bool {
			return p.NamespaceSelector == nil && selects(t, p.PodSelector, other)
		}) && slices.ContainsFunc(ports, func(p networkingv1.NetworkPolicyPort) bool {
			return p.Port.IntValue() == port || (named != "" && p.Port.StrVal == named)
		})
	}
	var out, in bool
	for _, p := range s.policies {
		if selects(t, &p.Spec.PodSelector, a) {
			out = out || slices.ContainsFunc(p.Spec.Egress, func(e networkingv1.NetworkPolicyEgressRule) bool { return admits(e.To, e.Ports, b) })
		}
		if selects(t, &p.Spec.PodSelector, b) {
			in = in || slices.ContainsFunc(p.Spec.Ingress, func(i networkingv1.NetworkPolicyIngressRule) bool { return admits(i.From, i.Ports, a) })
		}
	}
	return out && in
}

func selects(t *testing.T, selector *metav1.LabelSelector, set labels.Set) bool {
	t.Helper()
	s, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil {
		t.Fatal(err)
	}
	return s.Matches(set)
}

func is(b *bool, want bool) bool { return b != nil && *b == want }

// pods are all pods of the site, by what makes them.
func (s site) pods() map[string]corev1.PodSpec {
	pods := map[string]corev1.PodSpec{}
	for name, d := range s.deployments {
		pods["deployment "+name] = d.Spec.Template.Spec
	}
	for name, d := range s.stateful {
		pods["stateful set "+name] = d.Spec.Template.Spec
	}
	for name, j := range s.jobs {
		pods["job "+name] = j.Spec.Template.Spec
	}
	return pods
}

// render builds a folder with kustomize and decodes every manifest strictly.
func render(t *testing.T, folder string) site {
	t.Helper()
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), deploy+folder)
	if err != nil {
		t.Fatalf("kustomize build %s: %v", folder, err)
	}
	var s site
	for _, r := range built.Resources() {
		text := r.MustYaml()
		var err error
		switch kind := r.GetApiVersion() + " " + r.GetKind(); kind {
		case "v1 Namespace":
			err = decode(text, &s.namespaces)
		case "v1 ConfigMap":
			err = decode(text, &s.configMaps)
		case "v1 Secret":
			err = decode(text, &s.secrets)
		case "v1 Service":
			err = decode(text, &s.services)
		case "v1 ServiceAccount":
			err = decode(text, &s.accounts)
		case "apps/v1 Deployment":
			err = decode(text, &s.deployments)
		case "apps/v1 StatefulSet":
			err = decode(text, &s.stateful)
		case "batch/v1 Job":
			err = decode(text, &s.jobs)
		case "policy/v1 PodDisruptionBudget":
			err = decode(text, &s.budgets)
		case "networking.k8s.io/v1 NetworkPolicy":
			err = decode(text, &s.policies)
		default:
			t.Errorf("%s: no check knows %s", folder, kind)
		}
		if err != nil {
			t.Errorf("%s: %s %s: %v", folder, r.GetKind(), r.GetName(), err)
		}
	}
	return s
}

func decode[T any, P interface {
	*T
	metav1.Object
}](text string, into *map[string]P) error {
	var object T
	if err := yaml.UnmarshalStrict([]byte(text), &object); err != nil {
		return err
	}
	if *into == nil {
		*into = map[string]P{}
	}
	p := P(&object)
	(*into)[p.GetName()] = p
	return nil
}
