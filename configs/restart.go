package configs

import (
	"reflect"
	"slices"
)

// live lists what may change while a gateway runs. All else holds from its start to its end.
func live() []string {
	return []string{"server.drain", "server.grace", "log.level", "writeback.paused", "sites"}
}

// Over returns c for a gateway that runs with was: what takes a restart is as it was. restart lists, as paths, where
// that is not what c says. The result has to be validated: what fits together in c need not do so any more.
func (c *Config) Over(was *Config) (kept *Config, restart []string) {
	copied := *c
	restart = keep("", reflect.ValueOf(&copied).Elem(), reflect.ValueOf(was).Elem())
	slices.Sort(restart)
	return &copied, restart
}

// keep sets what takes a restart to what it was.
func keep(path string, v, was reflect.Value) (restart []string) {
	switch {
	case slices.Contains(live(), path):
	case v.Kind() == reflect.Struct:
		before := fieldsOf(was)
		for name, field := range fieldsOf(v) {
			restart = append(restart, keep(join(path, name), field, before[name])...)
		}
	case !reflect.DeepEqual(v.Interface(), was.Interface()):
		v.Set(was)
		restart = append(restart, path)
	}
	return restart
}
