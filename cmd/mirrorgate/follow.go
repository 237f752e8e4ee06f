package main

import (
	"context"
	"path/filepath"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
)

// settled is how long nothing more must have happened to the file until it is read: programs write a file in pieces.
const settled = 250 * time.Millisecond

// lookEvery is how often the file is looked at when nothing is told of it: nothing tells of another directory in the
// place of the one that is watched, and some file systems tell nothing at all.
const lookEvery = 5 * time.Second

// follow reloads when the process is told to, or when the file has become another, until ctx ends.
func (p *process) follow(ctx context.Context) {
	w := p.watch()
	if w != nil {
		defer w.Close()
	}
	var due <-chan time.Time
	if p.watched {
		due = time.After(0) // the file may be another since it was read
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.hangups:
			p.hangup(ctx)
		case event := <-w.events():
			if p.concerns(event.Name) {
				due = time.After(settled)
			}
		case <-w.errors(): // such as too many events: some were lost
			due = time.After(settled)
		case <-due:
			due = time.After(lookEvery)
			if w.add(p.file); p.isNew() {
				_, _ = p.reload(ctx) // which logs what came of it
			}
		}
	}
}

// hangup is what SIGHUP asks for: the access log's file is opened anew, since somebody may have moved it, and the
// configuration is read again.
func (p *process) hangup(ctx context.Context) {
	if p.access != nil {
		if err := p.access.Reopen(); err != nil {
			p.log.Error("the access log goes on in the file that it had", "err", err)
		}
	}
	if _, err := p.reload(ctx); p.file == "" {
		p.log.Info("SIGHUP changes nothing", "why", err)
	}
}

// concerns tells whether something that happened to a name may have made another file of the configuration: to its own
// name, to that of the file which it links to, or to one of the links that Kubernetes puts in the place of another, of
// which the name begins with "..".
func (p *process) concerns(name string) bool {
	base := filepath.Base(name)
	target, err := filepath.EvalSymlinks(p.file)
	return base == filepath.Base(p.file) || err == nil && base == filepath.Base(target) || strings.HasPrefix(base, "..")
}

// watcher tells of what happens in the directories of the configuration file. Directories: a file that is put in the
// place of another is not the file that was watched.
type watcher struct{ *fsnotify.Watcher }

// watch returns nil where nothing tells of changes.
func (p *process) watch() *watcher {
	if !p.watched {
		return nil
	}
	w, err := fsnotify.NewWatcher()
	if err != nil {
		p.log.Warn("nothing tells of changes of the configuration file: it is looked at now and then", "err", err)
		return nil
	}
	made := &watcher{w}
	made.add(p.file)
	return made
}

// add watches where the file is, and where it is a link to. A directory that is not there has no changes to tell of:
// that is tried again after each.
func (w *watcher) add(file string) {
	if w == nil {
		return
	}
	_ = w.Add(filepath.Dir(file))
	if target, err := filepath.EvalSymlinks(file); err == nil {
		_ = w.Add(filepath.Dir(target))
	}
}

func (w *watcher) events() <-chan fsnotify.Event {
	if w == nil {
		return nil
	}
	return w.Events
}

func (w *watcher) errors() <-chan error {
	if w == nil {
		return nil
	}
	return w.Errors
}
