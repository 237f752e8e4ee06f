package origin

import "sync"

// routes say what answers for which path.
type routes struct {
	mu      sync.Mutex
	scripts map[string]Script
	specs   map[string]spec
	objects map[string]Object
}

// route is what answers a request.
type route struct {
	script Script
	params Params
	object Object
}

func newRoutes() *routes {
	return &routes{scripts: map[string]Script{}, specs: map[string]spec{}, objects: map[string]Object{}}
}

func (r *routes) set(path string, script Script) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.specs, path)
	r.scripts[path] = script
	if script == nil {
		delete(r.scripts, path)
	}
}

func (r *routes) setSpec(path string, s spec) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.specs[path], r.scripts[path] = s, s.fault.script
}

func (r *routes) setObject(path string, o Object) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.objects[path] = o
}

// find returns what answers for a path: what was set for it, else for all, else what it says itself. The object is
// there even if the path names a fault that does not exist.
func (r *routes) find(path, query string) (route, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	said, err := specOf(path, query)
	if set, found := r.specs[path]; found {
		said, err = set, nil
	}
	found := route{script: Sound, params: said.params, object: NewObject(truth(path, said.params.Size))}
	if said.fault != nil {
		found.script = said.fault.script
	}
	if o, set := r.objects[path]; set {
		found.object = o
	}
	for _, key := range []string{path, ""} {
		if script := r.scripts[key]; script != nil {
			found.script, err = script, nil
			if s, set := r.specs[key]; set {
				found.params = s.params
			}
			break
		}
	}
	return found, err
}
