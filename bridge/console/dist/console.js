// ../client/src/backoff.ts
var first = 500;
var most = 3e4;
function delay(failures, random = Math.random) {
  const full = Math.min(most, first * 2 ** Math.max(0, failures - 1));
  return full * (0.5 + random() / 2);
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

// ../client/src/channel.ts
var Ended = class extends Error {
  why;
  constructor(why) {
    super(`the connection is ${why}`);
    this.why = why;
  }
};
var subprotocol = "postern.v1";
var maxFrame = 256 * 1024;
var closeNotPaired = 4401;
function openSocket(url, protocols, options = {}) {
  const { signal, WebSocket: Socket = globalThis.WebSocket } = options;
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const socket = new Socket(url, protocols);
    socket.binaryType = "arraybuffer";
    const abandon = () => {
      socket.close();
      reject(signal?.reason);
    };
    signal?.addEventListener("abort", abandon);
    const settle = (settled) => () => {
      signal?.removeEventListener("abort", abandon);
      settled();
    };
    socket.onopen = settle(() => resolve(socket));
    socket.onclose = settle(() => reject(new Ended("refused")));
  });
}
function ended({ code }) {
  return new Ended(code === closeNotPaired ? "unpaired" : "closed");
}
function plainChannel(socket) {
  const channel = {
    send: (frame) => socket.send(frame),
    close: () => socket.close(),
    onmessage: () => {
    },
    onclose: () => {
    }
  };
  socket.onmessage = ({ data }) => channel.onmessage(data);
  socket.onclose = (event) => channel.onclose(ended(event));
  return channel;
}

// ../client/src/rpc.ts
var Rpc = class {
  /** Resolves when the channel has ended, with the reason. */
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
      channel.onclose = (end2) => {
        this.#fail(connectionLost());
        resolve(end2);
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

// ../client/src/state.ts
function connectedState(vault) {
  return vault.state === "open" ? "ready" : "locked";
}

// ../client/src/postern.ts
var slow = 2500;
var tooSlow = 8e3;
var Postern = class _Postern {
  #door;
  #standing = { state: "not-reachable" };
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
  constructor(door) {
    this.#door = door;
  }
  /** @internal */
  static async at(door) {
    const postern = new _Postern(door);
    const looked = postern.#looked.promise;
    postern.#watch();
    void postern.#run();
    await looked;
    return postern;
  }
  get state() {
    return this.#standing.state;
  }
  /** What the state means and what to do about it, in a sentence or two for the user. */
  get help() {
    return this.#door.help(this.#standing, this.#vault);
  }
  /** The vault as last told by the agent; undefined while there is no connection. */
  get vault() {
    return this.#vault;
  }
  /** Calls a method of the agent. It rejects with a PosternError. */
  async call(method, ...[params, options]) {
    if (this.#ending.signal.aborted) throw closed();
    if (!this.#rpc) throw noConnection(this.state, this.help);
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
   * most. After a yes both have pinned the other's key, and the connection is made
   * before this resolves.
   */
  async pair(options = {}) {
    if (!this.#door.pair) throw new PosternError("invalid", "This page need not ask.");
    const allowed = await this.#door.pair(options).catch((error) => {
      if (error instanceof PosternError) throw error;
      throw options.signal?.aborted ? cancelled(error) : noConnection(this.state, this.help);
    });
    for (let looks = allowed ? 2 : 1; looks > 0 && !this.#rpc; looks--) {
      this.#wake();
      await this.#looked.promise;
    }
    return allowed;
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
      await this.#pause(this.state === "permission-needed" ? void 0 : delay(failures));
    }
  }
  /** Makes one connection and serves it until its end; false when the next should not hurry. */
  async #connection() {
    this.#awake = false;
    const attempt2 = new AbortController();
    const abandon = () => attempt2.abort();
    this.#ending.signal.addEventListener("abort", abandon);
    let pending = false;
    const impatience = setTimeout(() => {
      pending = true;
      void this.#waited(attempt2);
    }, slow);
    try {
      const channel = await this.#door.open(attempt2.signal);
      clearTimeout(impatience);
      return await this.#serve(new Rpc(channel, (event, params) => this.#event(event, params)));
    } catch (error) {
      await this.#lost({ pending, error });
      return false;
    } finally {
      clearTimeout(impatience);
      this.#ending.signal.removeEventListener("abort", abandon);
    }
  }
  async #serve(rpc) {
    this.#rpc = rpc;
    const silence = setTimeout(() => rpc.close(connectionLost()), tooSlow);
    const told = rpc.call("vault.status", {}).then(
      (vault) => (this.#told(vault), true),
      () => (rpc.close(connectionLost()), false)
    );
    void told.then(() => clearTimeout(silence));
    const end2 = await rpc.ended;
    await this.#lost({ pending: false, error: end2 });
    return await told && end2.why !== "broken";
  }
  /** A handshake takes long: tell why, and give up unless somebody may still permit it. */
  async #waited(attempt2) {
    const standing = await this.#door.diagnose({ pending: true });
    if (this.#rpc || attempt2.signal.aborted) return;
    if (standing.state === "permission-needed") this.#become(standing);
    else setTimeout(() => this.#rpc || attempt2.abort(), tooSlow - slow);
  }
  #told(vault) {
    this.#vault = vault;
    this.#become({ state: connectedState(vault) });
  }
  async #lost(trouble) {
    this.#rpc = void 0;
    this.#vault = void 0;
    if (!this.#ending.signal.aborted) this.#become(await this.#door.diagnose(trouble));
  }
  #become(standing) {
    const changed = standing.state !== this.#standing.state || standing.reason !== this.#standing.reason;
    this.#standing = standing;
    const { resolve } = this.#looked;
    this.#looked = signalOnce();
    resolve();
    if (changed) this.#emit("state", { state: this.state, help: this.help });
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
  #pause(milliseconds2) {
    return new Promise((resolve) => {
      const timer = milliseconds2 === void 0 ? void 0 : setTimeout(resolve, milliseconds2);
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

// src/dom.ts
function el(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name === "class") element.className = String(value);
    else if (name in element) Object.assign(element, { [name]: value });
    else element.setAttribute(name, String(value));
  }
  element.append(...children.filter((child) => child !== false && child !== void 0));
  return element;
}
function field(label, control, hint) {
  const hintLine = hint ? el("span", { class: "hint" }, hint) : void 0;
  return el("label", { class: "field" }, el("span", { class: "label" }, label), control, hintLine);
}
var drawings = {
  show: "M1.5 8s2.5-4.5 6.5-4.5S14.5 8 14.5 8 12 12.5 8 12.5 1.5 8 1.5 8z M8 10a2 2 0 1 0 0-4 2 2 0 0 0 0 4z",
  hide: "M2 2l12 12 M6.5 3.7A6.6 6.6 0 0 1 8 3.5c4 0 6.5 4.5 6.5 4.5a11 11 0 0 1-1.9 2.4 M4 5A10.5 10.5 0 0 0 1.5 8s2.5 4.5 6.5 4.5a6.5 6.5 0 0 0 3-.7",
  copy: "M5.5 5.5h8v8h-8z M10.5 5.5v-3h-8v8h3",
  edit: "M2.5 13.5l.7-3L10.8 3l2.2 2.2-7.5 7.6z",
  delete: "M2.5 4.5h11 M6 4.5v-2h4v2 M4 4.5l.6 9h6.8l.6-9",
  random: "M2 4.5h2.5l6 7H14 M2 11.5h2.5l6-7H14 M12 2.5l2 2-2 2 M12 9.5l2 2-2 2",
  save: "M3 8.5l3.2 3.2L13 4.5",
  cancel: "M4 4l8 8 M12 4l-8 8"
};
function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", drawings[name]);
  svg.append(path);
  return svg;
}
function iconButton(name, label, testid, onclick) {
  const button = el("button", { type: "button", class: "icon", title: label, "aria-label": label, "data-testid": testid }, icon(name));
  if (onclick) button.onclick = onclick;
  return button;
}
function setIcon(button, name, label) {
  button.title = label;
  button.setAttribute("aria-label", label);
  button.replaceChildren(icon(name));
}
function download(name, content) {
  const address = URL.createObjectURL(content);
  el("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 1e4);
}
function say(text) {
  const toast = document.getElementById("toast");
  if (!toast) return;
  toast.textContent = text;
  setTimeout(() => {
    if (toast.textContent === text) toast.textContent = "";
  }, 4e3);
}
function debounce(milliseconds2, work) {
  let timer = 0;
  return () => {
    clearTimeout(timer);
    timer = window.setTimeout(work, milliseconds2);
  };
}

// src/session.ts
var sessionKey = "postern.session";
var accountKey = "postern.account";
function takeToken() {
  const token = new URLSearchParams(location.hash.slice(1)).get("token") ?? "";
  if (token) history.replaceState(null, "", location.pathname);
  return token;
}
async function session(token) {
  if (token) {
    const answer = await fetch("/console/session", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ token })
    }).catch(() => void 0);
    if (answer?.ok) sessionStorage.setItem(sessionKey, (await answer.json()).session);
  }
  return sessionStorage.getItem(sessionKey) ?? void 0;
}
function forgetSession() {
  sessionStorage.removeItem(sessionKey);
}
function account() {
  return sessionStorage.getItem(accountKey) ?? "local";
}
function switchAccount(name) {
  sessionStorage.setItem(accountKey, name);
  location.reload();
}
var help = {
  "not-reachable": "Postern does not answer. Start it, then open the console from its tray menu or with postern open.",
  "not-allowed": "The session of this page has ended."
};
function consoleDoor(session2) {
  const url = `ws://${location.host}/bridge?${new URLSearchParams({ account: account() })}`;
  const protocols = [subprotocol, `postern.session.${session2}`];
  return {
    open: async (signal) => plainChannel(await openSocket(url, protocols, { signal })),
    async diagnose() {
      const there = await fetch("/", { method: "HEAD", cache: "no-store" }).then(
        () => true,
        () => false
      );
      return { state: there ? "not-allowed" : "not-reachable" };
    },
    help: ({ state }) => help[state] ?? "",
    onPermission: () => {
    }
  };
}

// src/failure.ts
function errorBox(testid = "error") {
  const element = el("div", { class: "error", role: "alert", hidden: true, "data-testid": testid });
  return {
    element,
    show(error) {
      const known = error instanceof PosternError ? error : new PosternError("internal", "Something went wrong in this page.", "Reload it and try again.");
      if (known !== error) console.error(error);
      element.dataset.kind = known.kind;
      element.replaceChildren(el("strong", {}, known.message), " ", el("span", {}, known.fix));
      element.hidden = false;
    },
    clear() {
      element.hidden = true;
      element.replaceChildren();
    }
  };
}
async function attempt(box, buttons, work) {
  box.clear();
  const focused = document.activeElement;
  for (const button of buttons) button.disabled = true;
  try {
    await work();
    return true;
  } catch (error) {
    box.show(error);
    return false;
  } finally {
    for (const button of buttons) button.disabled = false;
    if (document.activeElement === document.body && focused instanceof HTMLElement) focused.focus();
  }
}

// src/dialog.ts
function openDialog(title, testid, ...content) {
  const heading = el("h2", { id: `${testid}-title` }, title);
  const dialog = el("dialog", { "aria-labelledby": heading.id, "data-testid": testid }, heading, ...content);
  const before = document.activeElement;
  dialog.onclose = () => {
    dialog.remove();
    if (before instanceof HTMLElement) before.focus();
  };
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}
function confirmDanger({ title, text, action, typed, work }) {
  const errors = errorBox();
  const cancel = el("button", { type: "button", "data-testid": "confirm-cancel", onclick: () => dialog.close() }, "Cancel");
  const go = el("button", { type: "submit", class: "danger", "data-testid": "confirm-go", disabled: typed !== void 0 }, action);
  const input = el("input", { autocomplete: "off", spellcheck: false, "data-testid": "confirm-typed" });
  input.oninput = () => go.disabled = input.value.trim() !== typed;
  const typing = typed !== void 0 && el("label", { class: "field" }, el("span", { class: "label" }, "Type ", el("code", {}, typed), " to go on"), input);
  const form = el("form", { class: "stack" }, el("p", {}, text), typing, errors.element, el("div", { class: "actions" }, cancel, go));
  form.onsubmit = async (event) => {
    event.preventDefault();
    if (await attempt(errors, [go], work)) dialog.close();
  };
  const dialog = openDialog(title, "confirm", form);
  (typed === void 0 ? cancel : input).focus();
}

// src/apps.ts
var refreshEvery = 4e3;
function appsPanel(postern) {
  const errors = errorBox();
  const body = el("tbody", { id: "apps" });
  const none = el("p", { class: "muted", hidden: true }, "No app has asked yet. An app asks when its page connects, and you see its question here, in the tray and on the desktop.");
  const table = el(
    "table",
    { class: "apps" },
    el("caption", { class: "unseen" }, "Apps"),
    el("thead", {}, el("tr", {}, ...["App", "Access", "Connections", "Actions"].map((title) => el("th", { scope: "col" }, title)))),
    body
  );
  const panel = el("section", { id: "panel-apps", class: "stack", hidden: true }, el("h1", { tabIndex: -1 }, "Apps"), errors.element, none, table, allowForm(postern, () => load()));
  let last = "";
  const load = async () => {
    const apps = await postern.call("app.list").then(
      (result) => result.apps,
      () => void 0
    );
    if (!apps || JSON.stringify(apps) === last) return;
    last = JSON.stringify(apps);
    body.replaceChildren(...apps.map((app2) => appRow(postern, app2, (work) => attempt(errors, [], work).then(load))));
    none.hidden = apps.length > 0;
    table.hidden = apps.length === 0;
  };
  setInterval(() => !panel.hidden && document.visibilityState === "visible" && void load(), refreshEvery);
  new IntersectionObserver(() => !panel.hidden && void load()).observe(panel);
  postern.on("question.changed", load);
  postern.on("state", load);
  return panel;
}
async function allowApp(postern, origin) {
  const { answered } = await postern.call("app.allow", { origin });
  say(answered ? "The app is allowed." : "Its next page is let in without a question, for ten minutes.");
}
function appRow(postern, app2, run) {
  const { origin } = app2;
  const other = app2.allowed ? "Block" : "Allow";
  const toggle = el("button", { type: "button", "aria-label": `${other} ${origin}`, "data-testid": "app-toggle" }, other);
  toggle.onclick = () => run(() => app2.allowed ? postern.call("app.block", { origin }) : allowApp(postern, origin));
  const forget = el("button", { type: "button", "aria-label": `Forget ${origin}`, "data-testid": "app-forget" }, "Forget");
  forget.onclick = () => confirmDanger({
    title: "Forget this app?",
    text: `${origin} is disconnected, and may ask again. Its vault stays.`,
    action: "Forget",
    work: async () => run(() => postern.call("app.forget", { origin }))
  });
  return el(
    "tr",
    { "data-testid": "app-row", "data-origin": origin },
    el("th", { scope: "row" }, el("code", { class: "origin" }, origin), app2.name ? el("span", { class: "muted" }, app2.name) : void 0),
    el("td", { "data-label": "Access" }, el("span", { class: app2.allowed ? "state good" : "state bad", "data-testid": "app-access" }, app2.allowed ? "Allowed" : "Blocked")),
    el("td", { "data-label": "Connections", "data-testid": "app-connections" }, String(app2.connections)),
    el("td", { class: "last" }, el("span", { class: "actions" }, toggle, forget))
  );
}
function allowForm(postern, done) {
  const errors = errorBox("allow-error");
  const input = el("input", { id: "allow-origin", placeholder: "https://app.example.com", autocomplete: "off", spellcheck: false });
  const allow = el("button", { type: "submit", id: "allow-app" }, "Allow");
  const form = el("form", { class: "row" }, field("Allow an app by its address", input), allow, errors.element);
  form.onsubmit = async (event) => {
    event.preventDefault();
    const ok = await attempt(errors, [allow], () => allowApp(postern, input.value));
    if (!ok) return;
    input.value = "";
    done();
  };
  return form;
}

// src/composer.ts
var methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
function composerPanel(postern) {
  const errors = errorBox();
  const method = el("select", { id: "request-method" }, ...methods.map((name) => el("option", {}, name)));
  const url = el("input", { id: "request-url", placeholder: "https://api.example.com/items", autocomplete: "off", spellcheck: false, inputMode: "url" });
  const headers = el("textarea", { id: "request-headers", rows: 3, spellcheck: false, placeholder: "Authorization: Bearer {{vault:my-token}}" });
  const body = el("textarea", { id: "request-body", rows: 4, spellcheck: false });
  const references = el("ul", { class: "references", id: "references", "aria-live": "polite", "aria-label": "References" });
  const send = el("button", { type: "submit", class: "primary", id: "request-send" }, "Send");
  const cancel = el("button", { type: "button", id: "request-cancel", hidden: true }, "Cancel");
  const answer = el("div", { id: "response" });
  const request = () => ({
    method: method.value,
    url: url.value.trim(),
    header: headers.value,
    ...body.value !== "" && { body: { mode: "raw", raw: body.value } }
  });
  let checks = 0;
  const check = async () => {
    const mine = ++checks;
    try {
      const found = await postern.call("reference.check", { request: request() });
      if (mine === checks) references.replaceChildren(...found.references.map(referenceLine));
    } catch {
      if (mine === checks) references.replaceChildren();
    }
  };
  const checkSoon = debounce(250, check);
  for (const input of [url, headers, body]) {
    input.oninput = () => {
      errors.clear();
      checkSoon();
    };
  }
  postern.on("secret.changed", checkSoon);
  postern.on("vault.changed", checkSoon);
  const form = el(
    "form",
    { class: "stack" },
    el("div", { class: "address" }, field("Method", method), field("Address", url), el("span", { class: "actions" }, send, cancel)),
    field("Headers", headers, "One on each line. {{vault:NAME}} stands for the value of a secret."),
    field("Body", body),
    references,
    errors.element
  );
  form.onsubmit = async (event) => {
    event.preventDefault();
    const abort = new AbortController();
    cancel.onclick = () => abort.abort();
    cancel.hidden = false;
    answer.replaceChildren();
    await attempt(errors, [send], async () => {
      answer.replaceChildren(responseView(await postern.call("request.send", { request: request() }, { signal: abort.signal })));
    });
    cancel.hidden = true;
  };
  return el("section", { id: "panel-request", class: "stack", hidden: true }, el("h1", { tabIndex: -1 }, "Request"), form, answer);
}
var causes = {
  not_found: "there is no such secret",
  locked: "the vault is locked",
  disabled: "the secret is disabled",
  domain: "it may not go to this address",
  needs_grant: "it is not allowed in this public workspace"
};
function referenceLine({ name, state, cause, fix }) {
  const good = state === "resolved";
  const why = good ? "resolves" : `${cause ? causes[cause] : state}. ${fix ?? ""}`;
  return el("li", { class: good ? "good" : "bad", "data-testid": "reference", "data-name": name, "data-state": state }, el("code", {}, `{{vault:${name}}}`), ` ${why}`);
}
function responseView(response) {
  const { code, status, timings, size, protocol } = response;
  const parts = Object.entries({ DNS: timings.dns, connect: timings.connect, TLS: timings.tls, "first byte": timings.firstByte, total: timings.total });
  const lines = response.header.map(({ key, value }) => el("tr", {}, el("th", { scope: "row" }, key), el("td", {}, value)));
  return el(
    "section",
    { class: "stack", "aria-label": "Response", "data-testid": "response" },
    el(
      "p",
      { class: "summary" },
      el("strong", { class: code < 400 ? "state good" : "state bad", "data-testid": "response-code" }, `${code} ${status}`),
      el("span", {}, `${size.toLocaleString()} bytes`),
      el("span", {}, protocol),
      ...parts.filter(([, ms]) => ms > 0).map(([name, ms]) => el("span", { class: "muted" }, `${name} ${milliseconds(ms)}`))
    ),
    ...response.redirects.map((hop) => el("p", { class: "muted" }, `${hop.code} → ${hop.url}${hop.droppedHeaders.length > 0 ? ` without ${hop.droppedHeaders.join(", ")}` : ""}`)),
    el("pre", { class: "body", tabIndex: 0, "aria-label": "Body", "data-testid": "response-body" }, response.encoding === "utf8" ? response.body : `${size} bytes that are not text`),
    el("details", {}, el("summary", {}, `${lines.length} headers`), el("table", { class: "headers" }, el("tbody", {}, ...lines)))
  );
}
function milliseconds(ms) {
  return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
}

// src/keycard.ts
function keyCard(key) {
  const copy = el("button", { type: "button", "data-testid": "key-copy" }, "Copy");
  copy.onclick = async () => {
    await copyText(key);
    say("The key is copied.");
  };
  const download2 = el("button", { type: "button", "data-testid": "key-download", onclick: () => downloadKey(key) }, "Download");
  return el("div", { class: "stack" }, el("output", { class: "key", "data-testid": "key-text" }, key), el("div", { class: "actions start" }, copy, download2));
}
async function copyText(text) {
  await navigator.clipboard.writeText(text);
}
function downloadKey(key) {
  const text = `Postern vault key

${key}

This key opens your vault. Keep it where nobody else reads it.
`;
  download("postern-vault-key.txt", new Blob([text], { type: "text/plain" }));
}

// src/entry.ts
function firstUse(postern, hold) {
  const errors = errorBox();
  const store = el("input", { type: "checkbox", checked: true, id: "store-key" });
  const create = el("button", { type: "submit", class: "primary", id: "create-vault" }, "Create vault");
  const without = el("button", { type: "button", id: "create-without", hidden: true }, "Create without the password manager");
  const card = el("section", { class: "card narrow", id: "first-use" });
  const make = async (keep) => {
    hold(true);
    const ok = await attempt(errors, [create, without], async () => {
      const { key } = await postern.call("vault.create", { store: keep });
      card.replaceChildren(...newKey(key, keep, () => hold(false)));
      card.querySelector("h1")?.focus();
    });
    if (!ok) hold(false);
    without.hidden = ok || !["no_password_manager", "password_manager_locked"].includes(errors.element.dataset.kind ?? "");
  };
  without.onclick = () => make(false);
  const form = el(
    "form",
    { class: "stack" },
    el("label", { class: "check" }, store, el("span", {}, "Keep this key in the password manager")),
    errors.element,
    el("div", { class: "actions start" }, create, without)
  );
  form.onsubmit = (event) => {
    event.preventDefault();
    void make(store.checked);
  };
  card.append(
    el("h1", { tabIndex: -1 }, "Create your vault"),
    el("p", {}, "The vault keeps your secrets encrypted on this computer, and web apps that you allow can use them without seeing them. One key opens it; Postern shows it to you now and can keep it in your password manager."),
    form
  );
  return card;
}
function newKey(key, kept, done) {
  const text = kept ? "It is in your password manager. Save it in a second place too: without it nobody can open the vault." : "Save it now: without it nobody can open the vault.";
  const go = el("button", { type: "button", class: "primary", id: "key-continue", onclick: done }, "Continue");
  return [el("h1", { tabIndex: -1 }, "This is your vault key"), el("p", {}, text), keyCard(key), el("div", { class: "actions" }, go)];
}
function unlock(postern) {
  const errors = errorBox();
  const stored = postern.vault?.keyStored ?? false;
  const open = el("button", { type: "button", id: "unlock", class: stored ? "primary" : "" }, "Unlock with the password manager");
  const key = el("input", { id: "unlock-key", type: "password", autocomplete: "off", spellcheck: false, placeholder: "PVK1-…" });
  const show = el("input", { type: "checkbox", onchange: () => key.type = show.checked ? "text" : "password" });
  const submit = el("button", { type: "submit", id: "unlock-with-key", class: stored ? "" : "primary" }, "Unlock with the key");
  open.onclick = () => attempt(errors, [open, submit], () => postern.call("vault.open"));
  const form = el(
    "form",
    { class: "stack" },
    field("Vault key", key, "Capitals, spaces and hyphens do not matter."),
    el("label", { class: "check" }, show, el("span", {}, "Show the key")),
    el("div", { class: "actions start" }, submit)
  );
  form.onsubmit = async (event) => {
    event.preventDefault();
    if (!key.value.trim()) return key.focus();
    if (await attempt(errors, [open, submit], () => postern.call("vault.open", { key: key.value }))) key.value = "";
  };
  return el(
    "section",
    { class: "card narrow", id: "locked" },
    el("h1", { tabIndex: -1 }, "The vault is locked"),
    el("div", { class: "actions start" }, open),
    el("p", { class: "or" }, "or type its key"),
    form,
    errors.element
  );
}

// src/transfer.ts
function openExport(postern) {
  const errors = errorBox();
  const passphrase = secretInput("export-passphrase");
  const again = secretInput("export-again");
  const cancel = el("button", { type: "button", onclick: () => dialog.close() }, "Cancel");
  const go = el("button", { type: "submit", class: "primary", "data-testid": "export-go" }, "Export");
  const form = el(
    "form",
    { class: "stack" },
    el("p", {}, "The file holds every secret, encrypted. Postern opens it with the passphrase, and so does the age program."),
    field("Passphrase", passphrase, "12 characters or more."),
    field("The same again", again),
    errors.element,
    el("div", { class: "actions" }, cancel, go)
  );
  again.oninput = () => again.setCustomValidity(again.value === passphrase.value ? "" : "The passphrases differ.");
  passphrase.oninput = again.oninput;
  form.onsubmit = async (event) => {
    event.preventDefault();
    const done = await attempt(errors, [go], async () => {
      const { content } = await postern.call("vault.export", { passphrase: passphrase.value });
      const bytes = Uint8Array.from(atob(content), (c) => c.charCodeAt(0));
      download("postern-secrets.age", new Blob([bytes], { type: "application/octet-stream" }));
    });
    if (done) dialog.close();
  };
  const dialog = openDialog("Export secrets", "export", form);
  passphrase.focus();
}
function openImport(postern) {
  const errors = errorBox();
  const file = el("input", { type: "file", required: true, "data-testid": "import-file" });
  const passphrase = secretInput("import-passphrase", false);
  const secret = field("Passphrase of the file", passphrase);
  secret.hidden = true;
  const duplicates = el(
    "select",
    { "data-testid": "import-duplicates" },
    ...[
      ["skip", "Keep what is here"],
      ["replace", "Replace what is here"],
      ["rename", "Keep both, with another name"]
    ].map(([value, text]) => el("option", { value: value ?? "" }, text))
  );
  const plan = el("div", { class: "stack", "aria-live": "polite", "data-testid": "import-plan" });
  const close = el("button", { type: "button", onclick: () => dialog.close() }, "Cancel");
  const look = el("button", { type: "submit", "data-testid": "import-look" }, "See what would change");
  const go = el("button", { type: "button", class: "primary", disabled: true, "data-testid": "import-go" }, "Import");
  const again = () => {
    go.disabled = true;
    plan.replaceChildren();
  };
  const run = async (dryRun) => {
    const content = await readFile(file);
    return postern.call("vault.import", { content, passphrase: passphrase.value, onDuplicate: duplicates.value, dryRun });
  };
  file.onchange = async () => {
    again();
    secret.hidden = !await isEncrypted(file);
  };
  duplicates.onchange = passphrase.oninput = again;
  const form = el(
    "form",
    { class: "stack" },
    el("p", {}, "An export of Postern, a Postman environment or vault export, or a .env file."),
    field("File", file),
    secret,
    field("Names that are here already", duplicates),
    plan,
    errors.element,
    el("div", { class: "actions" }, close, look, go)
  );
  form.onsubmit = (event) => {
    event.preventDefault();
    void attempt(errors, [look], async () => {
      plan.replaceChildren(...planOf(await run(true)));
      go.disabled = false;
    });
  };
  go.onclick = async () => {
    const done = await attempt(errors, [look, go], async () => say(`Imported: ${summary(await run(false))}.`));
    if (done) dialog.close();
  };
  const dialog = openDialog("Import secrets", "import", form);
}
function secretInput(testid, required = true) {
  return el("input", { type: "password", autocomplete: "new-password", required, "data-testid": testid });
}
function summary({ items }) {
  const count = /* @__PURE__ */ new Map();
  for (const { result } of items) count.set(result, (count.get(result) ?? 0) + 1);
  return [...count].map(([result, n]) => `${n} ${result}`).join(", ") || "nothing";
}
var shownItems = 50;
function planOf(report) {
  const rows = report.items.slice(0, shownItems).map(({ name, as, result, reason }) => {
    const renamed = as && as !== name ? ` as ${as}` : "";
    return el("li", {}, el("strong", {}, result), ` ${name}${renamed}${reason ? `: ${reason}` : ""}`);
  });
  const more = report.items.length - rows.length;
  return [el("p", {}, `This would happen: ${summary(report)}.`), el("ul", { class: "plan" }, ...rows, more > 0 && el("li", {}, `and ${more} more`))];
}
async function isEncrypted(input) {
  const start2 = await input.files?.[0]?.slice(0, 64).text();
  return start2 !== void 0 && /^(age-encryption\.org\/|-----BEGIN AGE)/.test(start2);
}
function readFile(input) {
  const [file] = input.files ?? [];
  if (!file) return Promise.resolve("");
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result).replace(/^[^,]*,?/, ""));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
}

// src/keymenu.ts
function openKeyMenu(postern) {
  const errors = errorBox();
  const shown = el("div");
  const show = el("button", { type: "button", "data-testid": "key-show" }, "Show the key");
  show.onclick = () => attempt(errors, [show], async () => {
    const { key } = await postern.call("key.reveal");
    shown.replaceChildren(keyCard(key));
    show.hidden = true;
  });
  const replace = el("button", { type: "button", "data-testid": "key-rotate" }, "Replace the key");
  replace.onclick = () => attempt(errors, [replace], async () => {
    const { key } = await postern.call("key.rotate", {});
    shown.replaceChildren(el("p", {}, "This is the new key. No secret is lost; the old key opens the vault no more."), keyCard(key));
    show.hidden = true;
  });
  const keep = el("button", { type: "button", "data-testid": "key-store" }, "Keep in the password manager");
  const forget = el("button", { type: "button", "data-testid": "key-forget" }, "Remove from the password manager");
  const where = el("p", { class: "muted" });
  const tell = () => {
    const stored = postern.vault?.keyStored ?? false;
    where.textContent = stored ? "The key is in the password manager, so the vault opens without typing." : "The key is not in the password manager; it has to be typed.";
    keep.hidden = stored;
    forget.hidden = !stored;
  };
  keep.onclick = () => attempt(errors, [keep], () => postern.call("key.store").then(() => say("The key is kept.")));
  forget.onclick = () => attempt(errors, [forget], () => postern.call("key.forget").then(() => say("The key is removed.")));
  tell();
  const signOut = el("button", { type: "button", class: "danger", "data-testid": "sign-out" }, "Sign out and delete…");
  signOut.onclick = () => {
    dialog.close();
    confirmDanger({
      title: "Delete this vault for good?",
      text: "Signing out deletes every secret of this account, and its key from the password manager. The key that you saved does not bring them back, and requests that refer to them are no longer sent. If you may want them back, cancel and export them first.",
      action: "Delete everything",
      typed: "DELETE",
      work: () => postern.call("vault.signOut")
    });
  };
  const exporting = el("button", { type: "button", "data-testid": "open-export", onclick: () => (dialog.close(), openExport(postern)) }, "Export…");
  const importing = el("button", { type: "button", "data-testid": "open-import", onclick: () => (dialog.close(), openImport(postern)) }, "Import…");
  const close = el("button", { type: "button", "data-testid": "key-close", onclick: () => dialog.close() }, "Close");
  const off = postern.on("vault.changed", tell);
  const dialog = openDialog(
    "Vault key",
    "key-menu",
    el("div", { class: "stack" }, where, el("div", { class: "actions start" }, show, replace, keep, forget), shown, errors.element),
    el("hr"),
    el("div", { class: "actions start" }, exporting, importing),
    el("hr"),
    el("div", { class: "actions spread" }, signOut, close)
  );
  dialog.addEventListener("close", off);
}

// src/questions.ts
var armAfter = 700;
function questionBanner(postern) {
  const place = el("div", { id: "questions" });
  let shown = "";
  let end2 = () => {
  };
  const show = (questions) => {
    const [question] = questions;
    document.title = question ? "Asks to be allowed · Postern" : "Postern";
    if ((question?.id ?? "") === shown) return;
    end2();
    shown = question?.id ?? "";
    place.replaceChildren();
    if (question) end2 = ask(postern, place, question);
  };
  postern.on("question.changed", ({ questions }) => show(questions));
  const load = () => postern.call("question.list").then(({ questions }) => show(questions), () => {
  });
  postern.on("state", load);
  void load();
  return place;
}
function ask(postern, place, question) {
  const errors = errorBox();
  const deny = el("button", { type: "button", id: "question-deny" }, "Deny");
  const allow = el("button", { type: "button", class: "primary", id: "question-allow", disabled: true }, "Allow");
  const left = el("span", { class: "muted", id: "question-left" });
  const answer = (yes) => attempt(errors, [deny, allow], async () => {
    await postern.call("question.answer", { id: question.id, allow: yes });
    say(yes ? `${question.origin} is allowed.` : `${question.origin} is blocked.`);
  });
  deny.onclick = () => answer(false);
  allow.onclick = () => answer(true);
  let arming = 0;
  const arm = () => {
    allow.disabled = true;
    clearTimeout(arming);
    arming = window.setTimeout(() => allow.disabled = false, armAfter);
  };
  const tick = () => {
    const seconds = Math.max(0, Math.round((Date.parse(question.expires) - Date.now()) / 1e3));
    left.textContent = `${seconds} s left; no answer is a no`;
  };
  const ticking = setInterval(tick, 1e3);
  window.addEventListener("focus", arm);
  arm();
  tick();
  place.append(
    el(
      "section",
      { class: "question", role: "alertdialog", "aria-labelledby": "question-title", "aria-describedby": "question-text", "data-testid": "question" },
      el("h2", { id: "question-title" }, "Allow this app?"),
      el(
        "div",
        { id: "question-text", class: "stack" },
        el("p", {}, el("code", { class: "origin", id: "question-origin" }, question.origin), " wants to use a vault on this computer and to send requests from it."),
        question.name !== "" && el("p", { class: "muted" }, `It calls itself “${question.name}”.`),
        el("p", {}, "Allow it only if its page shows this code:"),
        el("output", { class: "code", id: "question-code" }, question.code.replace(/^(...)(...)$/, "$1 $2"))
      ),
      errors.element,
      el("div", { class: "actions spread" }, left, el("span", { class: "actions" }, deny, allow))
    )
  );
  deny.focus();
  return () => {
    clearInterval(ticking);
    clearTimeout(arming);
    window.removeEventListener("focus", arm);
  };
}

// src/inline.ts
function editInPlace({ view, label, text, testid, hidden = false, others = [], save }) {
  const errors = errorBox();
  const input = el("input", { "aria-label": label, autocomplete: hidden ? "new-password" : "off", spellcheck: false, "data-testid": `${testid}-input` });
  input.type = hidden ? "password" : "text";
  input.value = text;
  const done = iconButton("save", "Save", `${testid}-save`);
  done.type = "submit";
  const leave = iconButton("cancel", "Cancel", `${testid}-cancel`, () => end2());
  const show = hidden && iconButton("show", "Show what you type", `${testid}-show`, () => input.type = input.type === "text" ? "password" : "text");
  const form = el("form", { class: "inline" }, input, show, ...others.map((other) => other.button), done, leave, errors.element);
  const end2 = () => {
    if (!form.isConnected) return;
    form.replaceWith(view);
    input.value = "";
    view.querySelector("button")?.focus();
  };
  const run = async (work) => {
    if (await attempt(errors, [done], work)) end2();
    else input.focus();
  };
  form.onsubmit = (event) => {
    event.preventDefault();
    void run(() => save(input.value));
  };
  form.onkeydown = (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    end2();
  };
  for (const { button, work } of others) button.onclick = () => run(work);
  view.replaceWith(form);
  input.focus();
  input.select();
}

// src/row.ts
var mask = "••••••••••";
var shownFor = 6e4;
function parseDomains(text) {
  return text.split(/[\s,]+/).filter((domain) => domain !== "");
}
var SecretRow = class {
  element = el("tr", { "data-testid": "secret-row" });
  #postern;
  #secret;
  #enabled = el("input", { type: "checkbox", "data-testid": "secret-enabled" });
  #name = el("span", { class: "name", "data-testid": "secret-name" });
  #value = el("code", { class: "value", "data-testid": "secret-value" }, mask);
  #show;
  #domains = el("span", { class: "chips", "data-testid": "secret-domains" });
  #updated = el("time");
  #errors = errorBox();
  #hiding = 0;
  constructor(postern, secret) {
    this.#postern = postern;
    this.#secret = secret;
    this.#show = iconButton("show", "Show value", "secret-show", () => this.#toggle());
    this.#enabled.onchange = () => this.#set({ enabled: this.#enabled.checked });
    const nameView = el("span", { class: "view" }, this.#name, iconButton("edit", "Rename", "secret-rename", () => this.#rename(nameView)));
    const valueView = el(
      "span",
      { class: "view" },
      this.#value,
      this.#show,
      iconButton("copy", "Copy value", "secret-copy", () => this.#copy()),
      iconButton("edit", "Change value", "secret-change", () => this.#change(valueView))
    );
    const domainView = el("span", { class: "view" }, this.#domains, iconButton("edit", "Change allowed domains", "secret-edit-domains", () => this.#editDomains(domainView)));
    this.element.append(
      el("td", { class: "tick" }, this.#enabled),
      el("th", { scope: "row" }, nameView, this.#errors.element),
      cell("Value", valueView),
      cell("Allowed domains", domainView),
      cell("Updated", this.#updated),
      el("td", { class: "last" }, iconButton("delete", "Delete", "secret-delete", () => this.#delete()))
    );
    this.#render();
  }
  /** Takes the secret as the agent tells it now. */
  update(secret) {
    if (secret.updated !== this.#secret.updated) this.hide();
    this.#secret = secret;
    this.#render();
  }
  hide() {
    clearTimeout(this.#hiding);
    this.#value.textContent = mask;
    this.#value.classList.remove("shown");
    setIcon(this.#show, "show", "Show value");
  }
  #render() {
    const { name, enabled, domains, updated } = this.#secret;
    this.element.dataset.name = name;
    this.element.classList.toggle("off", !enabled);
    this.#enabled.checked = enabled;
    this.#enabled.setAttribute("aria-label", `Enable ${name}`);
    this.#name.textContent = name;
    const chips = domains.map((domain) => el("span", { class: "chip" }, domain));
    this.#domains.replaceChildren(...chips.length > 0 ? chips : [el("span", { class: "muted" }, "Any domain")]);
    this.#updated.dateTime = updated;
    this.#updated.textContent = when(updated);
    this.#updated.title = new Date(updated).toLocaleString();
  }
  async #set(change) {
    const done = await attempt(this.#errors, [], () => this.#postern.call("secret.set", { name: this.#secret.name, ...change }));
    if (!done) this.#render();
  }
  async #reveal() {
    return (await this.#postern.call("secret.reveal", { name: this.#secret.name })).value;
  }
  #toggle() {
    if (this.#value.classList.contains("shown")) return this.hide();
    void attempt(this.#errors, [this.#show], async () => {
      this.#value.textContent = await this.#reveal();
      this.#value.classList.add("shown");
      setIcon(this.#show, "hide", "Hide value");
      this.#hiding = window.setTimeout(() => this.hide(), shownFor);
    });
  }
  #copy() {
    void attempt(this.#errors, [], async () => {
      await copyText(await this.#reveal());
      say("The value is copied.");
    });
  }
  #rename(view) {
    const from = this.#secret.name;
    const save = async (to) => {
      if (to.trim() !== from) await this.#postern.call("secret.rename", { from, to });
      this.element.dataset.name = to.trim();
    };
    editInPlace({ view, label: `New name of ${from}`, text: from, testid: "rename", save });
  }
  #change(view) {
    const { name } = this.#secret;
    this.hide();
    const random = iconButton("random", "Use a random value", "value-random");
    editInPlace({
      view,
      label: `New value of ${name}`,
      text: "",
      testid: "value",
      hidden: true,
      others: [{ button: random, work: () => this.#postern.call("secret.generate", { name }).then(() => say(`${name} has a new random value.`)) }],
      save: (value) => this.#postern.call("secret.set", { name, value })
    });
  }
  #editDomains(view) {
    const { name, domains } = this.#secret;
    const save = (text) => this.#postern.call("secret.set", { name, domains: parseDomains(text) });
    editInPlace({ view, label: `Allowed domains of ${name}, with commas`, text: domains.join(", "), testid: "domains", save });
  }
  #delete() {
    const { name } = this.#secret;
    confirmDanger({
      title: `Delete ${name}?`,
      text: `Requests that refer to {{vault:${name}}} are no longer sent. This cannot be undone.`,
      action: "Delete",
      work: () => this.#postern.call("secret.delete", { names: [name] }).then(() => say(`${name} is deleted.`))
    });
  }
};
function cell(label, ...content) {
  return el("td", { "data-label": label }, ...content);
}
function when(time) {
  const ago = (Date.now() - Date.parse(time)) / 1e3;
  const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
  if (ago < 60) return "just now";
  if (ago < 3600) return relative.format(-Math.floor(ago / 60), "minute");
  if (ago < 86400) return relative.format(-Math.floor(ago / 3600), "hour");
  return new Date(time).toLocaleDateString(void 0, { dateStyle: "medium" });
}

// src/addrow.ts
function addRow(postern) {
  const formName = "add-secret";
  const errors = errorBox("add-error");
  const input = (id, label, placeholder) => {
    const element = el("input", { id, placeholder, "aria-label": label, autocomplete: "off", spellcheck: false });
    element.setAttribute("form", formName);
    return element;
  };
  const name = input("add-name", "Name of the new secret", "New secret");
  const value = input("add-value", "Value of the new secret", "Value");
  value.type = "password";
  value.autocomplete = "new-password";
  const domains = input("add-domains", "Allowed domains of the new secret, with commas", "example.com, *.example.org");
  const show = iconButton("show", "Show what you type", "add-show", () => value.type = value.type === "text" ? "password" : "text");
  const random = iconButton("random", "Add with a random value", "add-random");
  const add = el("button", { type: "submit", class: "primary", id: "add" }, "Add");
  add.setAttribute("form", formName);
  const run = (work) => attempt(errors, [add, random], async () => {
    await refuseTaken(postern, name.value);
    await work(name.value);
    say(`${name.value.trim()} is added.`);
    name.value = value.value = domains.value = "";
    value.type = "password";
    name.focus();
  });
  random.onclick = () => run((name2) => postern.call("secret.generate", { name: name2, domains: parseDomains(domains.value) }));
  const form = el("form", { id: formName });
  form.onsubmit = (event) => {
    event.preventDefault();
    void run((name2) => postern.call("secret.set", { name: name2, value: value.value, domains: parseDomains(domains.value) }));
  };
  return el(
    "tr",
    { class: "add" },
    el("td", { class: "tick" }, form),
    el("td", { "data-label": "Name" }, name),
    el("td", { "data-label": "Value" }, el("span", { class: "view" }, value, show, random)),
    el("td", { "data-label": "Allowed domains", colSpan: 2 }, domains, errors.element),
    el("td", { class: "last" }, add)
  );
}
async function refuseTaken(postern, name) {
  const wanted = name.trim().normalize("NFC");
  if (!wanted) return;
  const { secrets } = await postern.call("secret.list", { filter: wanted });
  if (secrets.some((secret) => secret.name === wanted)) {
    throw new PosternError("exists", "There is already a secret of that name.", "Choose another name, or change that one.");
  }
}

// src/secrets.ts
var page = 100;
var SecretTable = class {
  element;
  #postern;
  #rows = /* @__PURE__ */ new Map();
  #body = el("tbody", { id: "secrets" });
  #filter = el("input", { type: "search", id: "filter", placeholder: "Filter by name", "aria-label": "Filter by name" });
  #count = el("p", { class: "muted", id: "secret-count", role: "status" });
  #more = el("button", { type: "button", id: "show-more", hidden: true }, "Show more");
  #table;
  #heads;
  #errors = errorBox();
  #sort = "name";
  #limit = page;
  #load = 0;
  constructor(postern) {
    this.#postern = postern;
    this.#heads = { name: this.#head("name", "Name"), updated: this.#head("updated", "Updated") };
    const titles = el(
      "tr",
      {},
      el("th", { scope: "col", class: "tick" }, el("span", { class: "unseen" }, "Enabled")),
      this.#heads.name,
      el("th", { scope: "col" }, "Value"),
      el("th", { scope: "col" }, "Allowed domains"),
      this.#heads.updated,
      el("th", { scope: "col", class: "last" }, el("span", { class: "unseen" }, "Actions"))
    );
    this.#table = el("table", { class: "secrets", id: "vault-table", tabIndex: -1 }, el("caption", { class: "unseen" }, "Secrets"), el("thead", {}, titles), this.#body, el("tfoot", {}, addRow(postern)));
    this.#filter.oninput = debounce(150, () => this.load());
    this.#more.onclick = () => {
      this.#limit += page;
      void this.load();
    };
    this.element = el("section", { id: "open" }, el("div", { class: "toolbar" }, this.#filter, this.#count), this.#errors.element, this.#table, this.#more);
    void this.load();
  }
  /** Moves the keyboard to the table, the first row's name if there is one. */
  focus() {
    this.#table.scrollIntoView({ block: "nearest" });
    this.#table.focus();
  }
  /** Shows what the vault holds now. */
  async load() {
    const load = ++this.#load;
    await attempt(this.#errors, [], async () => {
      const { secrets, total } = await this.#postern.call("secret.list", { filter: this.#filter.value.trim(), sort: this.#sort, limit: this.#limit });
      if (load !== this.#load) return;
      const rows = /* @__PURE__ */ new Map();
      for (const secret of secrets) {
        const row = this.#known(secret.name) ?? new SecretRow(this.#postern, secret);
        row.update(secret);
        rows.set(secret.name, row);
      }
      this.#rows = rows;
      this.#place([...rows.values()].map((row) => row.element));
      this.#tell(secrets.length, total);
    });
  }
  /** The row of that name, which may have been renamed since the last load. */
  #known(name) {
    const row = this.#rows.get(name);
    if (row?.element.dataset.name === name) return row;
    return [...this.#rows.values()].find((row2) => row2.element.dataset.name === name);
  }
  /** Puts rows in order without moving those that are in place: moving takes the focus. */
  #place(rows) {
    const wanted = new Set(rows);
    for (const old of [...this.#body.children]) if (!wanted.has(old)) old.remove();
    rows.forEach((row, i) => {
      const there = this.#body.children[i];
      if (there !== row) this.#body.insertBefore(row, there ?? null);
    });
  }
  #tell(shown, total) {
    const filtered = this.#filter.value.trim() !== "";
    const noun = total === 1 ? "secret" : "secrets";
    this.#count.textContent = shown < total ? `${shown} of ${total} secrets` : filtered ? `${total} ${noun} found` : total === 0 ? "No secrets yet. Add the first below." : `${total} ${noun}`;
    this.#more.hidden = shown >= total;
    for (const [column, head] of Object.entries(this.#heads)) {
      const up = this.#sort === column;
      head.setAttribute("aria-sort", up ? "ascending" : this.#sort === `-${column}` ? "descending" : "none");
    }
  }
  #head(column, title) {
    const button = el("button", { type: "button", class: "sort", "data-testid": `sort-${column}` }, title);
    button.onclick = () => {
      this.#sort = this.#sort === column ? `-${column}` : column;
      void this.load();
    };
    return el("th", { scope: "col", "aria-sort": "none" }, button);
  }
};

// src/shell.ts
var tabs = { secrets: "Secrets", request: "Request", apps: "Apps" };
function shell(postern) {
  const vaultPanel = el("section", { id: "panel-secrets" });
  const panels = { secrets: vaultPanel, request: composerPanel(postern), apps: appsPanel(postern) };
  const offline = el("section", { class: "card narrow", id: "offline", role: "status", hidden: true });
  const content = el("div", { id: "content" }, ...Object.values(panels));
  const buttons = {};
  const choose = (tab) => {
    for (const name of Object.keys(tabs)) {
      panels[name].hidden = name !== tab;
      if (name === tab) buttons[name].setAttribute("aria-current", "page");
      else buttons[name].removeAttribute("aria-current");
    }
  };
  for (const [name, title] of Object.entries(tabs)) {
    buttons[name] = el("button", { type: "button", id: `tab-${name}`, onclick: () => choose(name) }, title);
  }
  const vault = vaultScreens(postern, vaultPanel);
  const refresh = () => {
    const connected = postern.vault !== void 0;
    if (postern.state !== "ready") for (const dialog of document.querySelectorAll("dialog")) dialog.close();
    content.hidden = !connected && !vault.held();
    offline.hidden = connected;
    offline.replaceChildren(el("h1", {}, "Postern is not running"), el("p", {}, postern.help));
    vault.refresh();
  };
  postern.on("state", refresh);
  postern.on("vault.changed", refresh);
  postern.on("secret.changed", () => vault.reload());
  document.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || !event.shiftKey || event.code !== "KeyV") return;
    event.preventDefault();
    choose("secrets");
    vault.focus();
  });
  choose("secrets");
  queueMicrotask(refresh);
  const fragment = document.createDocumentFragment();
  fragment.append(
    header(postern),
    el("div", { class: "page" }, questionBanner(postern), el("nav", { "aria-label": "Parts of the console" }, ...Object.values(buttons)), el("main", {}, offline, content))
  );
  return fragment;
}
function vaultScreens(postern, panel) {
  let shown;
  let table;
  let held = false;
  const hold = (on) => {
    held = on;
    if (on) return;
    refresh();
    focus();
  };
  const refresh = () => {
    const state = postern.vault?.state;
    if (held || state === shown) return;
    shown = state;
    table = state === "open" ? new SecretTable(postern) : void 0;
    if (table) panel.replaceChildren(table.element);
    else if (state === "none") panel.replaceChildren(firstUse(postern, hold));
    else if (state === "locked") panel.replaceChildren(unlock(postern));
    else panel.replaceChildren();
    if (!table && document.activeElement === document.body) panel.querySelector("#unlock-key, .primary")?.focus();
  };
  const focus = () => table ? table.focus() : panel.querySelector("h1")?.focus();
  return { refresh, reload: () => void table?.load(), focus, held: () => held };
}
function header(postern) {
  const errors = errorBox("header-error");
  const badge = el("span", { class: "badge", id: "state", role: "status" });
  const lock = el("button", { type: "button", id: "lock" }, "Lock");
  const key = el("button", { type: "button", id: "key-button", onclick: () => openKeyMenu(postern) }, "Key…");
  lock.onclick = () => attempt(errors, [lock], () => postern.call("vault.lock").then(() => say("The vault is locked.")));
  const words = { none: "No vault", locked: "Locked", open: "Open", offline: "Off line" };
  const tell = () => {
    const state = postern.vault?.state ?? "offline";
    badge.textContent = words[state];
    badge.dataset.state = state;
    lock.hidden = key.hidden = state !== "open";
  };
  postern.on("state", tell);
  postern.on("vault.changed", tell);
  tell();
  return el("header", {}, el("strong", { class: "brand" }, "Postern"), accountChoice(postern), badge, el("span", { class: "grow" }), key, lock, errors.element);
}
function accountChoice(postern) {
  const mine = account();
  const choice = el("select", { id: "account", "aria-label": "Account" });
  const fill = async () => {
    const apps = await postern.call("app.list").then(
      (result) => result.apps,
      () => []
    );
    const accounts = /* @__PURE__ */ new Set(["local", ...apps.filter((app2) => app2.allowed).map((app2) => `${app2.origin}#default`), mine]);
    choice.replaceChildren(...[...accounts].map((name) => el("option", { value: name, selected: name === mine }, name === "local" ? "My own vault" : name.replace("#default", ""))));
  };
  choice.onfocus = fill;
  choice.onchange = () => switchAccount(choice.value);
  void fill();
  return choice;
}

// src/console.ts
var app = document.getElementById("app");
async function start() {
  const mine = await session(takeToken());
  if (!mine) return noSession();
  const postern = await Postern.at(consoleDoor(mine));
  if (postern.state === "not-allowed") return end(postern);
  app.replaceChildren(shell(postern));
  postern.on("state", ({ state }) => state === "not-allowed" && end(postern));
}
function end(postern) {
  postern.close();
  forgetSession();
  noSession();
}
function noSession() {
  app.replaceChildren(
    el(
      "main",
      { class: "alone" },
      el(
        "section",
        { class: "card narrow", id: "no-session" },
        el("h1", {}, "Open the console from Postern"),
        el("p", {}, "This page opens for the owner of this computer only. Choose ", el("strong", {}, "Open vault"), " in the tray menu, or run ", el("code", {}, "postern open"), ".")
      )
    )
  );
}
window.addEventListener("hashchange", () => {
  if (location.hash.startsWith("#token=")) location.reload();
});
void start();
