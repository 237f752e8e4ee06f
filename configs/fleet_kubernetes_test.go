package configs

import (
	"cmp"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// object is what is looked at of the objects in fleet/kubernetes.yaml.
type object struct {
	Kind     string   `yaml:"kind"`
	Metadata metadata `yaml:"metadata"`

	StringData map[string]string `yaml:"stringData"` // of a Secret

	Spec struct {
		// Of a Service it is a map of labels, else a map with matchLabels.
		Selector    map[string]any `yaml:"selector"`
		ClusterIP   string         `yaml:"clusterIP"`
		Ports       []servicePort  `yaml:"ports"`
		ServiceName string         `yaml:"serviceName"`
		Replicas    int            `yaml:"replicas"`
		MaxGone     int            `yaml:"maxUnavailable"`
		Claims      []claim        `yaml:"volumeClaimTemplates"`
		Template    struct {
			Metadata metadata `yaml:"metadata"`
			Spec     pod      `yaml:"spec"`
		} `yaml:"template"`
	} `yaml:"spec"`
}

type metadata struct {
	Name   string            `yaml:"name"`
	Labels map[string]string `yaml:"labels"`
}

type servicePort struct {
	Port       int    `yaml:"port"`
	TargetPort string `yaml:"targetPort"`
}

type claim struct {
	Metadata metadata `yaml:"metadata"`
	Spec     struct {
		Resources struct {
			Requests map[string]string `yaml:"requests"`
		} `yaml:"resources"`
	} `yaml:"spec"`
}

type pod struct {
	Grace      int         `yaml:"terminationGracePeriodSeconds"`
	Containers []container `yaml:"containers"`
	Volumes    []struct {
		Name      string   `yaml:"name"`
		ConfigMap metadata `yaml:"configMap"`
	} `yaml:"volumes"`
}

type container struct {
	Args    []string   `yaml:"args"`
	Command []string   `yaml:"command"`
	Env     []variable `yaml:"env"`
	Ports   []struct {
		Name string `yaml:"name"`
		Port int    `yaml:"containerPort"`
	} `yaml:"ports"`
	Startup   probe `yaml:"startupProbe"`
	Readiness probe `yaml:"readinessProbe"`
	Liveness  probe `yaml:"livenessProbe"`
	Lifecycle struct {
		PreStop struct {
			Sleep struct {
				Seconds int `yaml:"seconds"`
			} `yaml:"sleep"`
		} `yaml:"preStop"`
	} `yaml:"lifecycle"`
	Mounts []struct {
		Name string `yaml:"name"`
		Path string `yaml:"mountPath"`
	} `yaml:"volumeMounts"`
}

type probe struct {
	TCP struct {
		Port string `yaml:"port"`
	} `yaml:"tcpSocket"`
	HTTP struct {
		Path string `yaml:"path"`
		Port string `yaml:"port"`
	} `yaml:"httpGet"`
}

type variable struct {
	Name  string `yaml:"name"`
	Value string `yaml:"value"`
	From  struct {
		Secret struct {
			Name string `yaml:"name"`
			Key  string `yaml:"key"`
		} `yaml:"secretKeyRef"`
		Field struct {
			Path string `yaml:"fieldPath"`
		} `yaml:"fieldRef"`
	} `yaml:"valueFrom"`
}

// manifests are the objects of the example, by kind and name.
type manifests map[string]object

func readManifests(t *testing.T) manifests {
	t.Helper()
	all := make(manifests)
	for _, o := range documents[object](t, fleetFile(t, "kubernetes.yaml")) {
		name := o.Kind + " " + o.Metadata.Name
		if _, twice := all[name]; twice || o.Metadata.Name == "" {
			t.Errorf("%s: twice, or without a name", name)
		}
		all[name] = o
	}
	return all
}

func (m manifests) get(t *testing.T, name string) object {
	t.Helper()
	o, ok := m[name]
	if !ok {
		t.Fatalf("no %s", name)
	}
	return o
}

// gateway is the StatefulSet of the gateways, and its container.
func (m manifests) gateway(t *testing.T) (object, container) {
	t.Helper()
	set := m.get(t, "StatefulSet mirrorgate")
	return set, set.Spec.Template.Spec.Containers[0]
}

var dependent = regexp.MustCompile(`\$\((\w+)\)`)

// environment is what the container of that pod gets.
func (m manifests) environment(t *testing.T, c container, podName string) map[string]string {
	t.Helper()
	env := make(map[string]string)
	for _, v := range c.Env {
		secret := v.From.Secret
		switch {
		case secret.Name != "":
			if _, ok := m.get(t, "Secret "+secret.Name).StringData[secret.Key]; !ok {
				t.Errorf("%s: Secret %s has no %s", v.Name, secret.Name, secret.Key)
			}
			env[v.Name] = filledIn()[secret.Key]
		case v.From.Field.Path == "metadata.name":
			env[v.Name] = podName
		default: // only what stands before it is known, as the kubelet does it
			env[v.Name] = dependent.ReplaceAllStringFunc(v.Value, func(found string) string {
				return cmp.Or(env[dependent.FindStringSubmatch(found)[1]], found)
			})
		}
	}
	return env
}

func TestFleetLoadsFromKubernetes(t *testing.T) {
	m := readManifests(t)
	set, container := m.gateway(t)
	c := load(t, m.environment(t, container, "mirrorgate-2"))
	peers := m.get(t, "Service "+set.Spec.ServiceName)
	if want := "http://mirrorgate-2." + peers.Metadata.Name + ":8080"; c.Shared.Advertise != want {
		t.Errorf("advertises %s, want %s", c.Shared.Advertise, want)
	}
	if peers.Spec.ClusterIP != "None" || peers.Spec.Ports[0].Port != 8080 {
		t.Errorf("pods have no names of their own: %+v", peers.Spec)
	}
	redis := m.get(t, "Service mirrorgate-redis")
	if address := c.Shared.Redis[0]; !strings.HasSuffix(address, "@"+redis.Metadata.Name+":6379/0") {
		t.Errorf("asks %s, and Redis is %s", address, redis.Metadata.Name)
	}
	if set.Spec.Replicas != 3 || m.get(t, "PodDisruptionBudget mirrorgate").Spec.MaxGone != 1 {
		t.Error("want three gateways, of which one may be gone")
	}
	checkRedis(t, m.get(t, "StatefulSet mirrorgate-redis").Spec.Template.Spec.Containers[0].Command)
}

// Nothing in the file is a secret that somebody might use as it is.
func TestFleetSecretsAreEmpty(t *testing.T) {
	for key, value := range readManifests(t).get(t, "Secret mirrorgate").StringData {
		if value != "" {
			t.Errorf("%s is %q", key, value)
		}
	}
}

func TestFleetPodsAreSelected(t *testing.T) {
	m := readManifests(t)
	for _, name := range slices.Sorted(maps.Keys(m)) {
		o := m[name]
		labels := o.Spec.Selector
		if inner, ok := labels["matchLabels"].(map[string]any); ok {
			labels = inner
		}
		if o.Kind == "Secret" {
			continue
		}
		pods := m.get(t, "StatefulSet "+strings.TrimSuffix(o.Metadata.Name, "-peers")).Spec.Template
		for label, want := range labels {
			if pods.Metadata.Labels[label] != want {
				t.Errorf("%s: selects %s=%v; the pods have %v", name, label, want, pods.Metadata.Labels)
			}
		}
		if len(labels) == 0 {
			t.Errorf("%s: selects everything", name)
		}
		for _, port := range o.Spec.Ports {
			if numberOf(pods.Spec.Containers[0], port.TargetPort) == 0 {
				t.Errorf("%s: the pods have no port %q", name, port.TargetPort)
			}
		}
	}
}

// numberOf is the port of that name, or 0.
func numberOf(c container, name string) int {
	for _, p := range c.Ports {
		if p.Name == name {
			return p.Port
		}
	}
	return 0
}

func TestFleetProbes(t *testing.T) {
	m := readManifests(t)
	_, container := m.gateway(t)
	c := load(t, m.environment(t, container, "mirrorgate-0"))
	readiness := container.Readiness.HTTP
	if readiness.Path != c.Server.HealthPath {
		t.Errorf("looks at %s; health is at %s", readiness.Path, c.Server.HealthPath)
	}
	for _, port := range []string{readiness.Port, container.Startup.TCP.Port, container.Liveness.TCP.Port} {
		if numberOf(container, port) != 8080 || c.Server.Listen != ":8080" {
			t.Errorf("a probe asks port %q; the gateway listens on %s", port, c.Server.Listen)
		}
	}
	if path := container.Liveness.HTTP.Path + container.Startup.HTTP.Path; path != "" {
		t.Errorf("a gateway is killed while %s is not 200, which it is not while its bucket is away", path)
	}
}

func TestFleetStopsInTime(t *testing.T) {
	m := readManifests(t)
	set, container := m.gateway(t)
	c := load(t, m.environment(t, container, "mirrorgate-0"))
	sleep := time.Duration(container.Lifecycle.PreStop.Sleep.Seconds) * time.Second
	killed := time.Duration(set.Spec.Template.Spec.Grace) * time.Second
	if sleep == 0 || sleep+c.Server.Drain+c.Server.Grace >= killed {
		t.Errorf("sleeps %v, may take %v, and is killed after %v", sleep, c.Server.Grace, killed)
	}
}

func TestFleetVolumes(t *testing.T) {
	m := readManifests(t)
	set, container := m.gateway(t)
	c := load(t, m.environment(t, container, "mirrorgate-0"))
	mounted := make(map[string]string)
	for _, mount := range container.Mounts {
		mounted[mount.Path] = mount.Name
	}
	spool, config := set.Spec.Claims[0], set.Spec.Template.Spec.Volumes[0]
	if mounted[c.DataDir] != spool.Metadata.Name {
		t.Errorf("%s is not on the volume of the spool: %v", c.DataDir, mounted)
	}
	size, err := parseSize(spool.Spec.Resources.Requests["storage"] + "B") // Gi is GiB here
	if err != nil || size <= c.Spool.MaxBytes {
		t.Errorf("the volume has %d bytes, the spool may have %d: %v", size, c.Spool.MaxBytes, err)
	}
	file := container.Args[len(container.Args)-1]
	if file != configFile(t) || mounted[path.Dir(file)] != config.Name || config.ConfigMap.Name != "mirrorgate" {
		t.Errorf("%s is not mounted: %v, %+v", file, mounted, config)
	}
	type generator struct {
		ConfigMaps []struct {
			Name  string   `yaml:"name"`
			Files []string `yaml:"files"`
		} `yaml:"configMapGenerator"`
		Resources []string `yaml:"resources"`
	}
	made := documents[generator](t, fleetFile(t, "kustomization.yaml"))[0]
	if len(made.ConfigMaps) != 1 || made.ConfigMaps[0].Name != config.ConfigMap.Name ||
		!slices.Equal(made.ConfigMaps[0].Files, []string{path.Base(file)}) || !slices.Contains(made.Resources, "kubernetes.yaml") {
		t.Errorf("the configuration does not come from mirrorgate.yaml: %+v", made)
	}
}
