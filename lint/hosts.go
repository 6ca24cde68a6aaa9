package lint

import (
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// Host is a host that a container is told to connect to, by an environment variable or an argument.
type Host struct {
	Name string // DNS name, without a final dot
	Port int32  // 0: not given
	Path string // of the value
}

var (
	hostName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\.?$`)
	// hostSettings are the names of variables and flags whose value is a host, even if it is one word.
	hostSettings = regexp.MustCompile(
		`(?i)(host|hostname|server|servers|addr|address|endpoint|url|uri|service|upstream|backend)$`,
	)
)

// hosts gathers the hosts that a container connects to.
func (f facts) hosts(c *corev1.Container, at string) {
	for i, e := range c.Env {
		if e.Value != "" && len(e.Value) < 1000 {
			f.host(e.Name, e.Value, fmt.Sprintf("%s.env[%d].value", at, i))
		}
	}
	for _, list := range []struct {
		field string
		words []string
	}{{"command", c.Command}, {"args", c.Args}} {
		for i, word := range list.words {
			setting, value, found := strings.Cut(word, "=")
			if !found {
				setting, value = "", word
				if i > 0 && strings.HasPrefix(list.words[i-1], "-") {
					setting = list.words[i-1]
				}
			}
			if len(value) < 1000 {
				f.host(setting, value, fmt.Sprintf("%s.%s[%d]", at, list.field, i))
			}
		}
	}
}

// host adds the hosts of one value.
func (f facts) host(setting, value, path string) {
	for _, part := range strings.Split(value, ",") {
		name, port, isURL := hostOf(strings.TrimSpace(part))
		switch {
		case !hostName.MatchString(name) || strings.HasPrefix(name, "localhost"):
			continue
		case !isURL && port == 0 && !strings.Contains(name, ".") && !hostSettings.MatchString(setting):
			continue // a word like any other
		}
		if _, err := netip.ParseAddr(name); err == nil {
			continue
		}
		f.Hosts = append(f.Hosts, Host{Name: strings.TrimSuffix(name, "."), Port: port, Path: path})
	}
}

// hostOf returns host and port of a URL, of host:port, or of a host alone.
func hostOf(value string) (name string, port int32, isURL bool) {
	if strings.Contains(value, "://") {
		u, err := url.Parse(value)
		if err != nil {
			return "", 0, false
		}
		name, isURL = u.Hostname(), true
		value = u.Port()
		if value == "" {
			port = map[string]int32{"http": 80, "https": 443}[u.Scheme]
		}
	} else {
		var found bool
		if name, value, found = strings.Cut(value, ":"); !found {
			return name, 0, false
		}
		if value == "" {
			return "", 0, false
		}
	}
	if value != "" {
		number, err := strconv.ParseUint(value, 10, 16)
		if err != nil {
			return "", 0, false
		}
		port = int32(number)
	}
	return name, port, isURL
}
