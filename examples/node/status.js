'use strict';

// What a failed call says beyond its code: the reason, for programs, and how long to wait.
// Both travel as a google.rpc.Status in the trailers of the call.

const protobuf = require('protobufjs');

const { root } = protobuf.parse(`
  syntax = "proto3";
  package google.rpc;
  message Any { string type_url = 1; bytes value = 2; }
  message Status { int32 code = 1; string message = 2; repeated Any details = 3; }
  message ErrorInfo { string reason = 1; string domain = 2; map<string, string> metadata = 3; }
  message Duration { int64 seconds = 1; int32 nanos = 2; }
  message RetryInfo { Duration retry_delay = 1; }
`, { keepCase: true });
const Status = root.lookupType('google.rpc.Status');
const ErrorInfo = root.lookupType('google.rpc.ErrorInfo');
const RetryInfo = root.lookupType('google.rpc.RetryInfo');

/** Returns { reason, retryMs } of a grpc ServiceError; '' and 0 for what it does not say. */
function explain(error) {
  const found = { reason: '', retryMs: 0 };
  const [encoded] = error.metadata?.get('grpc-status-details-bin') ?? [];
  if (encoded) {
    for (const { type_url: type, value } of Status.decode(encoded).details) {
      if (type.endsWith('/google.rpc.ErrorInfo')) found.reason = ErrorInfo.decode(value).reason;
      if (type.endsWith('/google.rpc.RetryInfo')) {
        const { seconds, nanos } = RetryInfo.decode(value).retry_delay;
        found.retryMs = Number(seconds) * 1000 + nanos / 1e6;
      }
    }
  }
  return found;
}

module.exports = { explain };
