package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"mirrorgate/configs"
	"mirrorgate/gateway/admin"
	"mirrorgate/gateway/migration"
)

// migrationView shows the books beside the configuration in force.
type migrationView struct {
	ledger  *migration.Ledger
	config  func() *configs.Config
	queue   func() admin.QueueSummary
	gateway string // its id
}

var _ admin.MigrationView = (*migrationView)(nil)

// Show implements admin.MigrationView.
func (v *migrationView) Show() admin.Migration {
	book, queue, sites := v.ledger.Show(), v.queue(), v.config().Sites
	shown := admin.Migration{Gateway: v.gateway, Now: book.Now, Since: book.Since, Queue: queue}
	counted := bySite(&book)
	var all []migration.ID
	for i := range sites {
		ids := idsOf(&sites[i], counted[sites[i].Name])
		all = append(all, ids...)
		shown.Sites = append(shown.Sites, siteView(&sites[i], &book, ids))
	}
	sum := book.Situation(all)
	sum.Waiting, sum.Dead = queue.Waiting, queue.Dead
	shown.Sentence = sum.Sentence()
	return shown
}

// bySite lists the rules of each site for which something was counted within a week, in the order of their names.
func bySite(book *migration.Book) map[string][]migration.ID {
	sites := make(map[string][]migration.ID)
	for id, rule := range book.Rules {
		if rule.Spans[2].Numbers != (migration.Numbers{}) {
			sites[id.Site] = append(sites[id.Site], id)
		}
	}
	for _, ids := range sites {
		slices.SortFunc(ids, func(a, b migration.ID) int { return strings.Compare(a.Rule, b.Rule) })
	}
	return sites
}

// idsOf lists the rules of a site: those of the configuration, those that were counted and are not in it any more, and
// the keys that none is for.
func idsOf(site *configs.Site, counted []migration.ID) []migration.ID {
	var ids []migration.ID
	for i := range site.Rules {
		ids = append(ids, migration.ID{Site: site.Name, Rule: site.Rules[i].ID})
	}
	configured := len(ids)
	for _, id := range counted {
		if id.Rule != "" && !slices.Contains(ids[:configured], id) {
			ids = append(ids, id)
		}
	}
	return append(ids, migration.ID{Site: site.Name})
}

func siteView(site *configs.Site, book *migration.Book, ids []migration.ID) admin.MigrationSite {
	sum := book.Situation(ids)
	shown := admin.MigrationSite{Site: site.Name, Sentence: sum.Sentence()}
	for _, id := range ids {
		shown.Rules = append(shown.Rules, migrationRule(id.Rule, stateOf(site, id.Rule), book.Rule(id)))
	}
	if i, ok := book.Inventories[site.Name]; ok {
		shown.Inventory = &admin.Inventory{
			Objects: i.Objects, Bytes: i.Bytes, Copied: i.Copied, CopiedB: i.CopiedBytes, Told: i.Told,
		}
		left := i.Left(sum.Day, book.Now)
		shown.Left = &admin.Left{Objects: left.Objects, Bytes: left.Bytes, Done: left.Done}
	}
	return shown
}

// stateOf is a rule's in the configuration.
func stateOf(site *configs.Site, rule string) string {
	for i := range site.Rules {
		switch r := &site.Rules[i]; {
		case r.ID != rule:
		case !r.Enabled:
			return "disabled"
		default:
			return string(r.State)
		}
	}
	if rule == "" {
		return "active" // keys that no rule is for
	}
	return "removed"
}

func migrationRule(id, state string, r migration.Rule) admin.MigrationRule {
	shown := admin.MigrationRule{
		Rule: id, State: state, NotKept: make(map[string]int64),
		LastNeeded: r.Needed.At, LastNeededKey: r.Needed.Key, LastRetired: r.Retired.At, LastRetiredKey: r.Retired.Key,
		TopKeys: hittersOf(r.Keys), TopPrefixes: hittersOf(r.Folders),
	}
	maps.Copy(shown.NotKept, r.NotKept)
	for _, s := range r.Spans {
		shown.Spans = append(shown.Spans, spanOf(s))
	}
	return shown
}

func hittersOf(list []migration.Hitter) []admin.HeavyHitter {
	shown := make([]admin.HeavyHitter, len(list))
	for i, h := range list {
		shown[i] = admin.HeavyHitter(h)
	}
	return shown
}

func spanOf(s migration.Span) admin.MigrationSpan {
	n := &s.Numbers
	return admin.MigrationSpan{
		Span: s.Name, From: s.From,
		Requests: n[migration.Requests], Bytes: n[migration.Bytes],
		Needed: n[migration.Needed], NeededB: n[migration.NeededBytes],
		Vain: n[migration.Vain], Failed: n[migration.Failed], Retired: n[migration.Retired], Paused: n[migration.Paused],
		Saved: n[migration.Saved], SavedB: n[migration.SavedBytes],
	}
}

// History implements admin.MigrationView.
func (v *migrationView) History(site, rule, step string) (admin.History, error) {
	if !v.has(site, rule) {
		return admin.History{}, admin.ErrNoSuch
	}
	steps := map[string]migration.Step{
		admin.StepMinute: migration.Minute, admin.StepHour: migration.Hour, admin.StepDay: migration.Day,
	}
	points := v.ledger.History(steps[step], func(id migration.ID) bool {
		return (site == "" || id.Site == site) && (rule == "" || id.Rule == rule)
	})
	history := admin.History{Step: step, Points: make([]admin.HistoryPoint, len(points))}
	for i, p := range points {
		history.Points[i] = admin.HistoryPoint{
			At: p.At, MigrationSpan: spanOf(migration.Span{Name: step, From: p.At, Numbers: p.Numbers}),
		}
	}
	return history, nil
}

// has tells whether there is such a site, and a rule of it, or was one within a week; "" is all of them.
func (v *migrationView) has(site, rule string) bool {
	if site == "" {
		return true
	}
	sites := v.config().Sites
	i := slices.IndexFunc(sites, func(s configs.Site) bool { return s.Name == site })
	if i < 0 || rule == "" {
		return i >= 0
	}
	book := v.ledger.Show()
	return slices.Contains(idsOf(&sites[i], bySite(&book)[site]), migration.ID{Site: site, Rule: rule})
}

// Tell implements admin.MigrationView.
func (v *migrationView) Tell(site string, i *admin.Inventory) error {
	if site == "" || !v.has(site, "") {
		return fmt.Errorf("%w: site %q", admin.ErrNoSuch, site)
	}
	var told *migration.Inventory
	if i != nil {
		told = &migration.Inventory{Objects: i.Objects, Bytes: i.Bytes, Copied: i.Copied, CopiedBytes: i.CopiedB}
	}
	v.ledger.Tell(site, told)
	return nil
}
