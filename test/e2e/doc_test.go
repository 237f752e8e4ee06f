// Package e2e_test shows that mirrorgate does its main job between programs that nobody here wrote: MinIO, versitygw
// and a directory as buckets, nginx as origin, curl, rclone and the aws command line as clients. The gateway is the
// program itself, started as its users start it; it is stopped, killed and started again.
//
// Where a test has to hold a body back or to look at what is sent, a few lines of net/http stand where nginx would, or
// in front of the real server.
//
// The large object (large_test.go) has 2 GiB unless LARGE names another size, in bytes.
package e2e_test
