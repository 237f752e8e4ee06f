// Package admin is the listener for those who run the gateway: health, and what they look at and ask it to do. It is
// HTTP with JSON, versioned under /api/v1.
//
// It imports nothing of the gateway: what it steers is handed to it as functions and small interfaces. Whatever
// changes something needs the token; without one configured nothing can be changed. On an address that others than
// this machine can reach, reading needs the token, too; only health is for everybody. Requests whose Host is not the
// listener's are refused, so that a page in somebody's browser cannot reach it through a name of its own.
package admin
