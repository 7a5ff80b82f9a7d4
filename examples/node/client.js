'use strict';

// One client of the chat service: joins a room, posts, prints each event of its rooms as a
// line of JSON, and comes back after a lost connection without a hole or a double.
//
// What to copy from it:
//   - `rooms` holds, for each room, the seq of the last event that was handled. It is all that
//     a resume needs: every stream, the first one too, begins by telling it to the server.
//   - a post stays in `outbox` until it is answered, and is sent again as it was, with the
//     same client_msg_id. The server stores it once, however often it comes.
//   - only one post is under way at a time, so that a refused one cannot be overtaken.

const path = require('node:path');
const { randomUUID } = require('node:crypto');
const { setTimeout: sleep } = require('node:timers/promises');
const { parseArgs, promisify } = require('node:util');
const grpc = require('@grpc/grpc-js');
const protoLoader = require('@grpc/proto-loader');
const { explain } = require('./status.js');

const USAGE = `usage: node client.js --name NAME [--target HOST:PORT] [--room ROOM] [--since SEQ]
                      [--post TEXT]... [--count K]`;

const PROTOS = path.join(__dirname, '..', '..', 'protos');
const { ChatService } = grpc.loadPackageDefinition(
  protoLoader.loadSync('chat/v1/chat.proto', {
    includeDirs: [PROTOS],
    keepCase: true,
    defaults: true,
    oneofs: true,
    enums: String,
    longs: Number, // seqs and milliseconds stay far below 2^53
  }),
).chat.v1;

const CHANNEL = {
  // Notices within 40 s that the server is gone without a word.
  'grpc.keepalive_time_ms': 30_000,
  'grpc.keepalive_timeout_ms': 10_000,
  // Otherwise the library would remember a failed address and keep to its own delays.
  'grpc.use_local_subchannel_pool': 1,
};
const CALL_MS = 10_000;
const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 30_000;

class Client {
  /** since: the last seq that was handled before, or undefined to begin with what is new. */
  constructor({ target, name, room, since, posts, count }) {
    Object.assign(this, { target, name, room, since });
    this.outbox = posts.map((text) => ({
      post: { room: { room_name: room }, text, client_msg_id: randomUUID() },
    }));
    this.left = count; // events still to be printed
    this.rooms = new Map(); // room_id -> { name, seq }
    this.epoch = '';
    this.metadata = new grpc.Metadata();
    this.attempt = 0; // failures since the last success
    this.hintMs = 0; // how long the server asked us to stay away
    this.stop = new AbortController();
  }

  /** Runs until all is posted and enough is printed, or until `stop` is aborted. */
  async run() {
    try {
      while (!this.done()) {
        // A connection of its own for each attempt, so that the delays here are the only ones.
        this.service = new ChatService(this.target, grpc.credentials.createInsecure(), CHANNEL);
        try {
          if (!this.epoch) await this.join();
          await this.converse();
          if (!this.done()) throw failure(grpc.status.UNKNOWN, 'the stream ended');
        } catch (error) {
          if (!(await this.pause(error))) throw error;
        } finally {
          this.service.close();
        }
      }
    } finally {
      if (this.epoch) await this.signOut();
    }
  }

  done() {
    return this.stop.signal.aborted || (this.left <= 0 && this.outbox.length === 0);
  }

  /** Signs in as a new guest, whose token every later call carries. */
  async join() {
    const join = promisify(this.service.join).bind(this.service);
    const request = { name: this.name, room: this.room };
    const { token, epoch, room } = await join(request, { deadline: Date.now() + CALL_MS });
    this.metadata.set('authorization', `Bearer ${token}`);
    this.epoch = epoch;
    this.rooms.set(room.room_id, { name: room.name, seq: this.since ?? room.head_seq });
  }

  /** Gives the name back. Nothing is lost if it fails: the server ends a silent session. */
  async signOut() {
    const service = new ChatService(this.target, grpc.credentials.createInsecure(), CHANNEL);
    const signOut = promisify(service.signOut).bind(service);
    await signOut({}, this.metadata, { deadline: Date.now() + CALL_MS }).catch(() => {});
    service.close();
  }

  /** Holds one stream until it ends; throws what ended it, unless we were done. */
  async converse() {
    this.hintMs = 0;
    this.call = this.service.chat(this.metadata);
    this.stop.signal.onabort = () => this.call.end();
    const positions = [...this.rooms].map(([room_id, { seq }]) => ({
      room: { room_id },
      after_seq: seq,
    }));
    // Only as a member: whoever was put out while it was away is not to come back by itself.
    const hello = { epoch: this.epoch, rooms: positions, members_only: true };
    this.call.write({ order_id: 'hello', hello });
    try {
      for await (const { items } of this.call) items.forEach((item) => this.take(item));
    } finally {
      clearTimeout(this.resend);
      this.call.cancel();
    }
  }

  /** Handles one item. Where one frame ends and the next begins has no meaning. */
  take(item) {
    switch (item.item) {
      case 'welcome':
        this.attempt = 0;
        this.sendOldest();
        break;
      case 'reset': // the server's data was replaced: our positions mean nothing there
        this.epoch = item.reset.epoch;
        break;
      case 'opened': {
        const { room, after_seq: seq } = item.opened;
        const name = room.name || room.members.map((member) => member.name).join(',');
        this.rooms.set(room.room_id, { name, seq });
        break;
      }
      case 'gap': // what is before first_seq is not kept any more
        this.rooms.get(item.gap.room_id).seq = item.gap.first_seq - 1;
        break;
      case 'event':
        this.takeEvent(item.event);
        break;
      case 'ack':
        if (this.outbox[0]?.post.client_msg_id === item.ack.client_msg_id) {
          this.outbox.shift();
          this.sendOldest();
        }
        break;
      case 'error':
        this.takeError(item.error);
        break;
      case 'closed':
        this.rooms.delete(item.closed.room_id);
        break;
      case 'notice':
        this.hintMs = item.notice.retry_after_ms;
        break;
      default: // live, presence, and whatever a newer server may send
    }
  }

  takeEvent(event) {
    const room = this.rooms.get(event.room_id);
    if (event.seq <= room.seq || this.left <= 0) return;
    if (event.seq !== room.seq + 1) {
      throw failure(grpc.status.DATA_LOSS, `a hole in ${room.name} after ${room.seq}`);
    }
    room.seq = event.seq;
    const text = event.message?.text ?? event.topic?.topic ?? '';
    const { author, seq } = event;
    print({ type: event.body, room: room.name, seq, author: author.name, text });
    this.left -= 1;
    this.endIfDone();
  }

  takeError({ code, reason, message, retry_after_ms: retryMs, client_msg_id: id }) {
    if (!id) { // a room cannot be read
      this.hintMs = retryMs;
      throw failure(code, `${reason}: ${message}`);
    }
    if (retryMs > 0) {
      this.resend = setTimeout(() => this.sendOldest(), retryMs);
      return;
    }
    complain(`not posted: ${message} (${reason})`);
    process.exitCode = 1;
    this.outbox.shift();
    this.sendOldest();
  }

  sendOldest() {
    if (this.outbox.length > 0) this.call.write(this.outbox[0]);
    this.endIfDone();
  }

  endIfDone() {
    if (this.done()) this.call.end();
  }

  /** Waits before the next attempt; returns whether one makes sense after this error. */
  async pause(error) {
    if (this.done()) return true;
    const { reason, retryMs } = explain(error);
    const hintMs = Math.max(this.hintMs, retryMs);
    if (!hintMs && !PASSING.has(error.code)) return false;
    // Full jitter: clients that lost the same server do not all return at once.
    const longest = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** this.attempt);
    this.attempt += 1;
    const delay = hintMs || Math.random() * longest;
    complain(`${reason || error.message}; trying again in ${(delay / 1000).toFixed(1)} s`);
    await sleep(delay, undefined, { signal: this.stop.signal }).catch(() => {});
    return true;
  }
}

// Codes after which the same may succeed, also where the server could not say so itself.
const PASSING = new Set([
  grpc.status.UNAVAILABLE,
  grpc.status.DEADLINE_EXCEEDED,
  grpc.status.CANCELLED,
  grpc.status.INTERNAL,
  grpc.status.UNKNOWN,
]);

/** Prints one line of JSON, in ASCII: a text may hold what would command a terminal. */
function print(value) {
  const escape = (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
  console.log(JSON.stringify(value).replace(/[\u007f-\uffff]/g, escape));
}

function failure(code, message) {
  return Object.assign(new Error(message), { code });
}

function complain(line) {
  console.error(`client: ${line}`);
}

function readArguments() {
  const number = (value, otherwise) => {
    if (value === undefined) return otherwise;
    if (!/^\d+$/.test(value)) throw new Error(`not a number: ${value}`);
    return Number(value);
  };
  try {
    const { values } = parseArgs({
      options: {
        target: { type: 'string', default: 'localhost:50051' },
        name: { type: 'string' },
        room: { type: 'string', default: 'lobby' },
        since: { type: 'string' },
        post: { type: 'string', multiple: true, default: [] },
        count: { type: 'string' },
      },
    });
    if (!values.name) throw new Error('--name is needed');
    return {
      ...values,
      posts: values.post,
      since: number(values.since, undefined),
      count: number(values.count, Infinity),
    };
  } catch (error) {
    complain(`${error.message}\n${USAGE}`);
    return process.exit(2);
  }
}

const client = new Client(readArguments());
process.once('SIGINT', () => client.stop.abort());
process.once('SIGTERM', () => client.stop.abort());
client.run().catch((error) => {
  complain(error.details || error.message);
  process.exitCode = 1;
});
