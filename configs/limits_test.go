package configs

import (
	"strings"
	"testing"
)

func TestLimitsOfAllGateways(t *testing.T) {
	const (
		origin = "    origin: {primary: \"https://old.example.com\""
		redis  = "shared: {redis: \"redis://127.0.0.1:6379\"}\n"
		path   = "sites[0].rules[0].origin.scope"
	)
	f := func(scope, shared, problem string) {
		t.Helper()
		list := mistakesOf(t, strings.Replace(sound, origin, origin+", scope: "+scope, 1)+shared)
		if problem == "" && list == nil {
			return
		}
		if len(list) != 1 || list[0].Path != path || list[0].Line != 11 || !strings.Contains(list[0].Problem, problem) || problem == "" {
			t.Errorf("%s: got %v, want %s: %s", scope, list, path, problem)
		}
	}
	f("gateway", "", "")
	f("fleet", redis, "")
	f("fleet", "", "needs shared.redis")
	f("fleet", "", "or use gateway")
	f("cluster", redis, "must be gateway (each gateway's own limits) or fleet")
}
