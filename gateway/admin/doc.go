// Package admin is the listener for those who run the gateway: health, and what they look at and ask it to do. It is
// HTTP with JSON, versioned under /api/v1.
//
// It imports nothing of the gateway: what it steers is handed to it as functions and small interfaces. Whatever
// changes something needs the token; without one configured nothing can be changed. On an address that others than
// this machine can reach, reading needs the token, too; only health and metrics are for everybody. Requests whose Host
// is not the listener's are refused, so that a page in somebody's browser cannot reach it through a name of its own.
//
// The token comes in the Authorization header, never in a cookie: a browser adds it to no request by itself, so that no
// other site can have one made in somebody's name. A body is JSON and says so, or says nothing.
//
// Rules that are put here are kept in the bucket, and who writes into that puts rules, too. So secrets in them are
// ${NAME} only, and not every NAME: those that the file's own rules of the site use, and those that begin with
// MIRRORGATE_RULE_. What else is in the gateway's environment, this token for instance, no rule from here can send
// anywhere. For the same reason their targets in S3 need keys, unless the file's rules have targets without.
//
// Who shows wrong tokens has to wait, longer each time, before another one is looked at, the right one too: see guard.
// So whoever shares an address with somebody who guesses, behind one proxy for instance, waits with him, a minute at
// most at a time. Every change is logged with the address that asked for it.
package admin
