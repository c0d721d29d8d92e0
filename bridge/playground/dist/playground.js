// ../client/src/backoff.ts
var first = 500;
var most = 3e4;
function delay(failures, random = Math.random) {
  const full = Math.min(most, first * 2 ** Math.max(0, failures - 1));
  return full * (0.5 + random() / 2);
}

// ../client/src/channel.ts
var subprotocol = "postern.v1";
var maxFrame = 256 * 1024;
function open(url, protocols, options = {}) {
  const { signal, WebSocket: Socket = globalThis.WebSocket } = options;
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const socket = new Socket(url, protocols);
    const channel = {
      send: (frame) => socket.send(frame),
      close: () => socket.close(),
      onmessage: () => {
      },
      onclose: () => {
      }
    };
    const abandon = () => {
      socket.close();
      reject(signal?.reason);
    };
    signal?.addEventListener("abort", abandon);
    socket.onopen = () => {
      signal?.removeEventListener("abort", abandon);
      resolve(channel);
    };
    socket.onmessage = (event) => channel.onmessage(event.data);
    socket.onclose = () => {
      signal?.removeEventListener("abort", abandon);
      reject(new Error("the connection was refused"));
      channel.onclose();
    };
  });
}

// ../client/src/errors.ts
var PosternError = class extends Error {
  name = "PosternError";
  kind;
  fix;
  constructor(kind, message, fix = "", options) {
    super(message, options);
    this.kind = kind;
    this.fix = fix;
  }
};
function fromWire(error) {
  return new PosternError(error.data?.kind ?? "internal", error.message, error.data?.fix);
}
function noConnection(state, fix) {
  return new PosternError(state.replaceAll("-", "_"), "Postern is not connected.", fix);
}
function connectionLost() {
  return new PosternError("not_reachable", "The connection to Postern ended.", "Wait until it is back, then try again.");
}
function cancelled(cause) {
  return new PosternError("cancelled", "The call was cancelled.", "", { cause });
}
function closed() {
  return new PosternError("cancelled", "This page closed its connection to Postern.", "Connect again.");
}

// ../client/src/help.ts
function browserOf(userAgent) {
  if (/Firefox\//.test(userAgent)) return "firefox";
  if (/Safari\//.test(userAgent) && !/Chrom(e|ium)\//.test(userAgent)) return "safari";
  return "chromium";
}
var unblock = {
  chromium: "Open the site settings (the icon left of the address), allow “Apps on device” or “Local network access”, and reload the page.",
  firefox: "Open the site permissions (the icon left of the address), allow access to this device, and reload the page.",
  safari: "Safari does not let https pages reach this computer. Open this page in Firefox, Chrome or Edge."
};
function helpText(state, browser, vault, secure = true) {
  switch (state) {
    case "not-reachable":
      return browser === "safari" ? "Postern does not answer on this computer. Start it, or install it first. If it is running, Safari blocks it: use Firefox, Chrome or Edge." : "Postern does not answer on this computer. Start it, or install it first; this page connects by itself.";
    case "blocked-by-browser":
      return secure ? `The browser blocks connections from this page to this computer. ${unblock[browser]}` : "Browsers let only https pages reach this computer. Open this page by https.";
    case "permission-needed":
      return "The browser has to allow this page to reach apps on this computer. Choose Allow when it asks; if the question is gone, try again.";
    case "not-allowed":
      return "Postern is running and does not let this page in. Its owner can allow it under Apps in the Postern console.";
    case "not-paired":
      return "Postern is running and does not know this page yet. Ask to be allowed, and compare the code.";
    case "locked":
      return vault?.state === "none" ? "Connected. There is no vault yet; create one, and keep the key that it shows." : "Connected. The vault is locked; unlock it from the tray, or with its key.";
    case "ready":
      return "Connected. The vault is open.";
  }
}

// ../client/src/state.ts
function stateOf(facts) {
  if (facts.permission === "denied" || facts.refused) return "blocked-by-browser";
  if (facts.mayPair) return "not-paired";
  if (facts.listening) return "not-allowed";
  if (facts.permission === "prompt" && facts.pending) return "permission-needed";
  return "not-reachable";
}
function connectedState(vault) {
  return vault.state === "open" ? "ready" : "locked";
}

// ../client/src/page.ts
async function queryPermission() {
  for (const name of ["loopback-network", "local-network-access"]) {
    try {
      return await globalThis.navigator?.permissions?.query({ name });
    } catch {
    }
  }
  return void 0;
}
async function answers(url) {
  try {
    await fetch(url, { mode: "no-cors", cache: "no-store", credentials: "omit", signal: AbortSignal.timeout(2e3) });
    return true;
  } catch {
    return false;
  }
}
async function opens(url, protocols, WebSocket) {
  try {
    const channel = await open(url, protocols, { WebSocket, signal: AbortSignal.timeout(2e3) });
    channel.close();
    return true;
  } catch {
    return false;
  }
}
function pageDoor({ app, account, port, WebSocket }) {
  const host = `127.0.0.1:${port}`;
  const protocols = [subprotocol];
  const pair = `ws://${host}/pair`;
  const secure = globalThis.isSecureContext ?? true;
  const browser = browserOf(globalThis.navigator?.userAgent ?? "");
  return {
    bridge: `ws://${host}/bridge?${new URLSearchParams({ account, app })}`,
    pair,
    protocols,
    WebSocket,
    help: (state, vault) => helpText(state, browser, vault, secure),
    async diagnose({ pending, error }) {
      const permission = (await queryPermission())?.state ?? "unknown";
      const refused = !secure || error instanceof DOMException && error.name === "SecurityError";
      const facts = { permission, pending, refused, mayPair: false, listening: false };
      if (stateOf(facts) === "not-reachable") {
        facts.mayPair = await opens(pair, protocols, WebSocket);
        facts.listening = facts.mayPair || await answers(`http://${host}/`);
      }
      return stateOf(facts);
    },
    onPermission(changed) {
      void queryPermission().then((status) => status?.addEventListener("change", changed));
    }
  };
}

// ../client/src/rpc.ts
var Rpc = class {
  /** Resolves when the channel has ended. */
  ended;
  #channel;
  #waiting = /* @__PURE__ */ new Map();
  #lastID = 0;
  #over = false;
  constructor(channel, onevent) {
    this.#channel = channel;
    channel.onmessage = (frame) => {
      const message = JSON.parse(frame);
      if (message.method === void 0) this.#answered(message);
      else onevent(message.method, message.params);
    };
    this.ended = new Promise((resolve) => {
      channel.onclose = () => {
        this.#fail(connectionLost());
        resolve();
      };
    });
  }
  call(method, params, signal) {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(cancelled(signal.reason));
      if (this.#over) return reject(connectionLost());
      const id = ++this.#lastID;
      const frame = JSON.stringify({ jsonrpc: "2.0", id, method, params });
      if (frame.length > maxFrame || new TextEncoder().encode(frame).length > maxFrame) {
        return reject(new PosternError("too_large", "The call is larger than 256 KiB.", "Send less at once."));
      }
      const abort = () => {
        this.#waiting.delete(id);
        if (!this.#over) void this.call("request.cancel", { id }).catch(() => {
        });
        reject(cancelled(signal?.reason));
      };
      const settled = () => signal?.removeEventListener("abort", abort);
      this.#waiting.set(id, {
        resolve: (result) => (settled(), resolve(result)),
        reject: (error) => (settled(), reject(error))
      });
      signal?.addEventListener("abort", abort);
      this.#channel.send(frame);
    });
  }
  /** Ends the channel; what waits for an answer fails with the error. */
  close(error) {
    this.#fail(error);
    this.#channel.close();
  }
  #answered(message) {
    const waiting = this.#waiting.get(message.id ?? 0);
    if (!waiting) return;
    this.#waiting.delete(message.id ?? 0);
    if (message.error) waiting.reject(fromWire(message.error));
    else waiting.resolve(message.result);
  }
  #fail(error) {
    this.#over = true;
    for (const waiting of this.#waiting.values()) waiting.reject(error);
    this.#waiting.clear();
  }
};

// ../client/src/postern.ts
async function connect(options) {
  const { app, account = "default", port = 7678, WebSocket } = options;
  return Postern.at(pageDoor({ app, account, port, WebSocket }), app);
}
var slow = 2500;
var tooSlow = 8e3;
var Postern = class _Postern {
  #door;
  #app;
  #state = "not-reachable";
  #vault;
  #rpc;
  #listeners = /* @__PURE__ */ new Map();
  #ending = new AbortController();
  /** A try is wanted now, whether the next pause has begun or not. */
  #awake = false;
  #endPause = () => {
  };
  /** Resolves when the state has been looked at again, changed or not. */
  #looked = signalOnce();
  constructor(door, app) {
    this.#door = door;
    this.#app = app;
  }
  /** @internal */
  static async at(door, app) {
    const postern2 = new _Postern(door, app);
    const looked = postern2.#looked.promise;
    postern2.#watch();
    void postern2.#run();
    await looked;
    return postern2;
  }
  get state() {
    return this.#state;
  }
  /** What the state means and what to do about it, in a sentence or two for the user. */
  get help() {
    return this.#door.help(this.#state, this.#vault);
  }
  /** The vault as last told by the agent; undefined while there is no connection. */
  get vault() {
    return this.#vault;
  }
  /** Calls a method of the agent. It rejects with a PosternError. */
  async call(method, ...[params, options]) {
    if (this.#ending.signal.aborted) throw closed();
    if (!this.#rpc) throw noConnection(this.#state, this.help);
    return this.#rpc.call(method, params ?? {}, options?.signal);
  }
  /** Listens to an event; the result ends that. */
  on(event, listener) {
    const listeners = this.#listeners.get(event) ?? /* @__PURE__ */ new Set();
    this.#listeners.set(event, listeners.add(listener));
    return () => void listeners.delete(listener);
  }
  /**
   * Asks the owner to allow this page, and waits for the answer, a minute at
   * most. After a yes the connection is made before this resolves.
   */
  async pair({ onCode, signal } = {}) {
    if (!this.#door.pair) throw new PosternError("invalid", "This page need not ask.");
    let channel;
    try {
      channel = await open(this.#door.pair, this.#door.protocols, { WebSocket: this.#door.WebSocket, ...signal && { signal } });
    } catch {
      throw noConnection(this.#state, this.help);
    }
    const rpc = new Rpc(channel, (event, params) => {
      if (event === "pair.code") onCode?.(params);
    });
    try {
      const { allowed } = await rpc.call("pair.request", { name: this.#app }, signal);
      for (let looks = allowed ? 2 : 1; looks > 0 && !this.#rpc; looks--) {
        this.#wake();
        await this.#looked.promise;
      }
      return allowed;
    } finally {
      rpc.close(closed());
    }
  }
  /** Tries to connect now, for a button that says so. The browser may ask its user again. */
  retry() {
    if (!this.#rpc) this.#wake();
  }
  /** Ends the connection for good. Calls under way fail with the kind `cancelled`. */
  close() {
    this.#ending.abort();
    this.#rpc?.close(closed());
    this.#listeners.clear();
    this.#wake();
  }
  /** Connects, and again whenever the connection ends or fails. */
  async #run() {
    for (let failures = 0; !this.#ending.signal.aborted; ) {
      failures = await this.#connection() ? 0 : failures + 1;
      await this.#pause(this.#state === "permission-needed" ? void 0 : delay(failures));
    }
  }
  /** Serves one connection until its end; false when it never opened. */
  async #connection() {
    this.#awake = false;
    const attempt = new AbortController();
    const abandon = () => attempt.abort();
    this.#ending.signal.addEventListener("abort", abandon);
    let pending = false;
    const impatience = setTimeout(() => {
      pending = true;
      void this.#waited(attempt);
    }, slow);
    try {
      const { bridge, protocols, WebSocket } = this.#door;
      const channel = await open(bridge, protocols, { signal: attempt.signal, WebSocket });
      const rpc = new Rpc(channel, (event, params) => this.#event(event, params));
      this.#rpc = rpc;
      this.#told(await rpc.call("vault.status", {}));
      await rpc.ended;
      this.#lost("not-reachable");
      return true;
    } catch (error) {
      if (!this.#ending.signal.aborted) this.#lost(await this.#door.diagnose({ pending, error }));
      return false;
    } finally {
      clearTimeout(impatience);
      this.#ending.signal.removeEventListener("abort", abandon);
    }
  }
  /** A handshake takes long: tell why, and give up unless somebody may still permit it. */
  async #waited(attempt) {
    const state = await this.#door.diagnose({ pending: true });
    if (this.#rpc || attempt.signal.aborted) return;
    if (state === "permission-needed") this.#become(state);
    else setTimeout(() => this.#rpc || attempt.abort(), tooSlow - slow);
  }
  #told(vault) {
    this.#vault = vault;
    this.#become(connectedState(vault));
  }
  #lost(state) {
    this.#rpc = void 0;
    this.#vault = void 0;
    this.#become(state);
  }
  #become(state) {
    const changed = state !== this.#state;
    this.#state = state;
    const { resolve } = this.#looked;
    this.#looked = signalOnce();
    resolve();
    if (changed) this.#emit("state", { state, help: this.help });
  }
  #event(event, params) {
    if (event === "vault.changed") this.#told(params);
    this.#emit(event, params);
  }
  #emit(event, value) {
    for (const listener of [...this.#listeners.get(event) ?? []]) {
      try {
        listener(value);
      } catch (error) {
        reportError(error);
      }
    }
  }
  /** Waits so long, or until it is woken. */
  #pause(milliseconds) {
    return new Promise((resolve) => {
      const timer = milliseconds === void 0 ? void 0 : setTimeout(resolve, milliseconds);
      this.#endPause = () => {
        clearTimeout(timer);
        resolve();
      };
      if (this.#awake) this.#endPause();
    });
  }
  #wake() {
    this.#awake = true;
    this.#endPause();
  }
  /** Tries at once when the page is looked at again or the browser's user decided. */
  #watch() {
    const { signal } = this.#ending;
    const wake = () => this.#wake();
    globalThis.document?.addEventListener("visibilitychange", () => document.visibilityState === "visible" && wake(), { signal });
    this.#door.onPermission(wake);
  }
};
function signalOnce() {
  let resolve = () => {
  };
  const promise = new Promise((done) => resolve = done);
  return { promise, resolve };
}

// src/playground.ts
var $ = (id) => document.getElementById(id);
var input = (id) => $(id);
var states = ["not-reachable", "blocked-by-browser", "permission-needed", "not-allowed", "not-paired", "locked", "ready"];
var postern;
async function step(work) {
  $("error").hidden = true;
  try {
    if (!postern) throw new PosternError("not_reachable", "The app is not connected.", "Begin with step 1.");
    await work(postern);
  } catch (error) {
    const known = error instanceof PosternError ? error : new PosternError("internal", String(error));
    $("error").textContent = `${known.message} ${known.fix} (${known.kind})`;
    $("error").hidden = false;
  }
}
function showState() {
  if (!postern) return;
  $("state").textContent = postern.state;
  $("state").dataset.vault = postern.vault?.state ?? "";
  $("help").textContent = postern.help;
  for (const item of $("states").children) item.toggleAttribute("data-current", item.textContent === postern.state);
  const connected = postern.vault !== void 0;
  $("connect").textContent = "Try again";
  input("connect").disabled = connected;
  mark("step-connect", connected || postern.state === "not-paired");
  mark("step-pair", connected);
  mark("step-vault", postern.state === "ready");
}
function mark(id, done) {
  $(id).toggleAttribute("data-done", done);
}
async function connectNow() {
  input("connect").disabled = true;
  const { port } = await (await fetch("/agent")).json();
  postern = await connect({ app: "Playground", port });
  postern.on("state", showState);
  postern.on("vault.changed", showState);
  postern.on("vault.changed", check);
  postern.on("secret.changed", check);
  showState();
  void check();
}
async function check() {
  if (!postern?.vault) return;
  const { references } = await postern.call("reference.check", { text: input("header").value, url: `${location.origin}/echo` });
  const [bad] = references.filter(({ state }) => state !== "resolved");
  $("check").textContent = bad ? `{{vault:${bad.name}}} is ${bad.state}: ${bad.fix ?? ""}` : references.length > 0 ? "The reference resolves." : "";
  $("check").toggleAttribute("data-bad", bad !== void 0);
}
function onSubmit(id, work) {
  $(id).onsubmit = (event) => {
    event.preventDefault();
    void step(work);
  };
}
$("states").append(...states.map((state) => Object.assign(document.createElement("li"), { textContent: state })));
input("secret-domain").value = location.origin;
input("header").oninput = () => void check();
$("connect").onclick = () => postern ? postern.retry() : void connectNow();
$("pair").onclick = () => step(async (postern2) => {
  const onCode = ({ code }) => $("code").textContent = code;
  const allowed = await postern2.pair({ onCode }).finally(() => $("code").textContent = "");
  $("paired").textContent = allowed ? "You allowed this app." : "You did not allow this app.";
  showState();
});
$("create").onclick = () => step(async (postern2) => {
  const { key } = await postern2.call("vault.create", { store: input("store").checked });
  $("vault-key").textContent = key;
});
onSubmit("vault-form", async (postern2) => {
  await postern2.call("vault.open", { key: input("key").value });
  input("key").value = "";
});
$("lock").onclick = () => step(async (postern2) => void await postern2.call("vault.lock"));
onSubmit("secret-form", async (postern2) => {
  const domain = input("secret-domain").value.trim();
  const { name } = await postern2.call("secret.set", {
    name: input("secret-name").value,
    value: input("secret-value").value,
    domains: domain ? [domain] : []
  });
  input("secret-value").value = "";
  $("added").textContent = `${name} is in the vault. The app cannot read it back.`;
  mark("step-secret", true);
});
onSubmit("send-form", async (postern2) => {
  const request = { method: "POST", url: `${location.origin}/echo`, header: [{ key: "X-Api-Key", value: input("header").value }] };
  const { body } = await postern2.call("request.send", { request });
  $("answer").textContent = JSON.stringify(JSON.parse(body), null, 2);
  const seen = await (await fetch("/seen")).json();
  $("seen-count").textContent = String(seen.count);
  $("seen-hash").textContent = seen.sha256;
  mark("step-send", true);
});
