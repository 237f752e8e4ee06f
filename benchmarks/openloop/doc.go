// Package openloop says when the requests of an open loop are due: at their times, whether those before have been
// answered or not.
//
// Whoever sends them measures from when each was due. A server that stalls is then charged with all requests that had
// to wait meanwhile, as it is by clients who do not know of each other; a loop that waits for an answer before it asks
// again would leave just those out.
package openloop
