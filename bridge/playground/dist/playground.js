/*!
This file holds parts of @hpke/common:

MIT License

Copyright (c) 2024 Ajitomi Daisuke

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.
*/

/*!
This file holds parts of @hpke/core:

MIT License

Copyright (c) 2023 Ajitomi Daisuke

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.
*/

var __defProp = Object.defineProperty;
var __getOwnPropNames = Object.getOwnPropertyNames;
var __esm = (fn, res, err) => function __init() {
  if (err) throw err[0];
  try {
    return fn && (res = (0, fn[__getOwnPropNames(fn)[0]])(fn = 0)), res;
  } catch (e) {
    throw err = [e], e;
  }
};
var __export = (target, all) => {
  for (var name in all)
    __defProp(target, name, { get: all[name], enumerable: true });
};

// empty:crypto
var crypto_exports = {};
__export(crypto_exports, {
  webcrypto: () => webcrypto
});
var webcrypto;
var init_crypto = __esm({
  "empty:crypto"() {
    webcrypto = void 0;
  }
});

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

// ../client/node_modules/@hpke/common/esm/src/errors.js
var HpkeError = class extends Error {
  constructor(e) {
    let message;
    if (e instanceof Error) {
      message = e.message;
    } else if (typeof e === "string") {
      message = e;
    } else {
      message = "";
    }
    super(message);
    this.name = this.constructor.name;
  }
};
var InvalidParamError = class extends HpkeError {
};
var SerializeError = class extends HpkeError {
};
var DeserializeError = class extends HpkeError {
};
var EncapError = class extends HpkeError {
};
var DecapError = class extends HpkeError {
};
var ExportError = class extends HpkeError {
};
var SealError = class extends HpkeError {
};
var OpenError = class extends HpkeError {
};
var MessageLimitReachedError = class extends HpkeError {
};
var DeriveKeyPairError = class extends HpkeError {
};
var NotSupportedError = class extends HpkeError {
};

// ../client/node_modules/@hpke/common/esm/_dnt.shims.js
var dntGlobals = {};
var dntGlobalThis = createMergeProxy(globalThis, dntGlobals);
function createMergeProxy(baseObj, extObj) {
  return new Proxy(baseObj, {
    get(_target, prop, _receiver) {
      if (prop in extObj) {
        return extObj[prop];
      } else {
        return baseObj[prop];
      }
    },
    set(_target, prop, value) {
      if (prop in extObj) {
        delete extObj[prop];
      }
      baseObj[prop] = value;
      return true;
    },
    deleteProperty(_target, prop) {
      let success = false;
      if (prop in extObj) {
        delete extObj[prop];
        success = true;
      }
      if (prop in baseObj) {
        delete baseObj[prop];
        success = true;
      }
      return success;
    },
    ownKeys(_target) {
      const baseKeys = Reflect.ownKeys(baseObj);
      const extKeys = Reflect.ownKeys(extObj);
      const extKeysSet = new Set(extKeys);
      return [...baseKeys.filter((k) => !extKeysSet.has(k)), ...extKeys];
    },
    defineProperty(_target, prop, desc) {
      if (prop in extObj) {
        delete extObj[prop];
      }
      Reflect.defineProperty(baseObj, prop, desc);
      return true;
    },
    getOwnPropertyDescriptor(_target, prop) {
      if (prop in extObj) {
        return Reflect.getOwnPropertyDescriptor(extObj, prop);
      } else {
        return Reflect.getOwnPropertyDescriptor(baseObj, prop);
      }
    },
    has(_target, prop) {
      return prop in extObj || prop in baseObj;
    }
  });
}

// ../client/node_modules/@hpke/common/esm/src/algorithm.js
async function loadSubtleCrypto() {
  if (dntGlobalThis !== void 0 && globalThis.crypto !== void 0) {
    return globalThis.crypto.subtle;
  }
  try {
    const { webcrypto: webcrypto2 } = await Promise.resolve().then(() => (init_crypto(), crypto_exports));
    return webcrypto2.subtle;
  } catch (e) {
    throw new NotSupportedError(e);
  }
}
var NativeAlgorithm = class {
  constructor() {
    Object.defineProperty(this, "_api", {
      enumerable: true,
      configurable: true,
      writable: true,
      value: void 0
    });
  }
  async _setup() {
    if (this._api !== void 0) {
      return;
    }
    this._api = await loadSubtleCrypto();
  }
};

// ../client/node_modules/@hpke/common/esm/src/identifiers.js
var Mode = {
  Base: 0,
  Psk: 1,
  Auth: 2,
  AuthPsk: 3
};
var KemId = {
  NotAssigned: 0,
  DhkemP256HkdfSha256: 16,
  DhkemP384HkdfSha384: 17,
  DhkemP521HkdfSha512: 18,
  DhkemSecp256k1HkdfSha256: 19,
  DhkemX25519HkdfSha256: 32,
  DhkemX448HkdfSha512: 33,
  HybridkemX25519Kyber768: 48,
  MlKem512: 64,
  MlKem768: 65,
  MlKem1024: 66,
  XWing: 25722
};
var KdfId = {
  HkdfSha256: 1,
  HkdfSha384: 2,
  HkdfSha512: 3,
  Sha3256: 4,
  Sha3384: 5,
  Sha3512: 6,
  Shake128: 16,
  Shake256: 17,
  TurboShake128: 18,
  TurboShake256: 19
};
var AeadId = {
  Aes128Gcm: 1,
  Aes256Gcm: 2,
  Chacha20Poly1305: 3,
  ExportOnly: 65535
};

// ../client/node_modules/@hpke/common/esm/src/consts.js
var INPUT_LENGTH_LIMIT = 8192;
var INFO_LENGTH_LIMIT = 268435456;
var MINIMUM_PSK_LENGTH = 32;
var EMPTY = /* @__PURE__ */ new Uint8Array(0);
var BYTE_TO_BIGINT_256 = /* @__PURE__ */ (() => {
  const out = new Array(256);
  let i = 0;
  let value = 0n;
  while (i < 256) {
    out[i] = value;
    i++;
    value += 1n;
  }
  return out;
})();

// ../client/node_modules/@hpke/common/esm/src/interfaces/kemInterface.js
var SUITE_ID_HEADER_KEM = /* @__PURE__ */ new Uint8Array([
  75,
  69,
  77,
  0,
  0
]);

// ../client/node_modules/@hpke/common/esm/src/kdfs/hkdf.js
var HPKE_VERSION = /* @__PURE__ */ new Uint8Array([
  72,
  80,
  75,
  69,
  45,
  118,
  49
]);
function toUint8Array(input2) {
  return new Uint8Array(toArrayBuffer(input2));
}
function toArrayBuffer(input2) {
  if (input2 instanceof ArrayBuffer) {
    return input2;
  }
  if (ArrayBuffer.isView(input2)) {
    return new Uint8Array(input2.buffer, input2.byteOffset, input2.byteLength).slice().buffer;
  }
  return new Uint8Array(input2).slice().buffer;
}
var HkdfNative = class extends NativeAlgorithm {
  constructor() {
    super();
    Object.defineProperty(this, "id", {
      enumerable: true,
      configurable: true,
      writable: true,
      value: KdfId.HkdfSha256
    });
    Object.defineProperty(this, "hashSize", {
      enumerable: true,
      configurable: true,
      writable: true,
      value: 0
    });
    Object.defineProperty(this, "_suiteId", {
      enumerable: true,
      configurable: true,
      writable: true,
      value: EMPTY
    });
    Object.defineProperty(this, "algHash", {
      enumerable: true,
      configurable: true,
      writable: true,
      value: {
        name: "HMAC",
        hash: "SHA-256",
        length: 256
      }
    });
  }
  init(suiteId) {
    this._suiteId = suiteId;
  }
  buildLabeledIkm(label, ikm) {
    this._checkInit();
    const ret = new Uint8Array(7 + this._suiteId.byteLength + label.byteLength + ikm.byteLength);
    ret.set(HPKE_VERSION, 0);
    ret.set(this._suiteId, 7);
    ret.set(label, 7 + this._suiteId.byteLength);
    ret.set(ikm, 7 + this._suiteId.byteLength + label.byteLength);
    return ret;
  }
  buildLabeledInfo(label, info, len) {
    this._checkInit();
    const ret = new Uint8Array(9 + this._suiteId.byteLength + label.byteLength + info.byteLength);
    ret.set(new Uint8Array([0, len]), 0);
    ret.set(HPKE_VERSION, 2);
    ret.set(this._suiteId, 9);
    ret.set(label, 9 + this._suiteId.byteLength);
    ret.set(info, 9 + this._suiteId.byteLength + label.byteLength);
    return ret;
  }
  async extract(salt, ikm) {
    await this._setup();
    const saltBuf = salt.byteLength === 0 ? new ArrayBuffer(this.hashSize) : toArrayBuffer(salt);
    if (saltBuf.byteLength !== this.hashSize) {
      throw new InvalidParamError("The salt length must be the same as the hashSize");
    }
    const ikmBuf = toArrayBuffer(ikm);
    const key = await this._api.importKey("raw", saltBuf, this.algHash, false, [
      "sign"
    ]);
    return await this._api.sign("HMAC", key, ikmBuf);
  }
  async expand(prk, info, len) {
    await this._setup();
    const prkBuf = toArrayBuffer(prk);
    const key = await this._api.importKey("raw", prkBuf, this.algHash, false, [
      "sign"
    ]);
    const okm = new ArrayBuffer(len);
    const okmBytes = new Uint8Array(okm);
    let prev = EMPTY;
    const mid = toUint8Array(info);
    const tail = new Uint8Array(1);
    if (len > 255 * this.hashSize) {
      throw new Error("Entropy limit reached");
    }
    const tmp = new Uint8Array(this.hashSize + mid.length + 1);
    for (let i = 1, cur = 0; cur < okmBytes.length; i++) {
      tail[0] = i;
      tmp.set(prev, 0);
      tmp.set(mid, prev.length);
      tmp.set(tail, prev.length + mid.length);
      prev = new Uint8Array(await this._api.sign("HMAC", key, tmp.slice(0, prev.length + mid.length + 1)));
      if (okmBytes.length - cur >= prev.length) {
        okmBytes.set(prev, cur);
        cur += prev.length;
      } else {
        okmBytes.set(prev.slice(0, okmBytes.length - cur), cur);
        cur += okmBytes.length - cur;
      }
    }
    return okm;
  }
  async extractAndExpand(salt, ikm, info, len) {
    await this._setup();
    const ikmBuf = toArrayBuffer(ikm);
    const baseKey = await this._api.importKey("raw", ikmBuf, "HKDF", false, ["deriveBits"]);
    return await this._api.deriveBits({
      name: "HKDF",
      hash: this.algHash.hash,
      salt: toArrayBuffer(salt),
      info: toArrayBuffer(info)
    }, baseKey, len * 8);
  }
  async labeledExtract(salt, label, ikm) {
    return await this.extract(salt, this.buildLabeledIkm(label, ikm));
  }
  async labeledExpand(prk, label, info, len) {
    return await this.expand(prk, this.buildLabeledInfo(label, info, len), len);
  }
  _checkInit() {
    if (this._suiteId === EMPTY) {
      throw new Error("Not initialized. Call init()");
    }
  }
};
var HkdfSha256Native = class extends HkdfNative {
  constructor() {
    super(...arguments);
    Object.defineProperty(this, "id", {
      enumerable: true,
      configurable: true,
      writable: true,
      value: KdfId.HkdfSha256
    });
    Object.defineProperty(this, "hashSize", {
      enumerable: true,
      configurable: true,
      writable: true,
      value: 32
    });
    Object.defineProperty(this, "algHash", {
      enumerable: true,
      configurable: true,
      writable: true,
      value: {
        name: "HMAC",
        hash: "SHA-256",
        length: 256
      }
    });
  }
};

// ../client/node_modules/@hpke/common/esm/src/utils/misc.js
var isCryptoKeyPair = (x) => typeof x === "object" && x !== null && typeof x.privateKey === "object" && typeof x.publicKey === "object";
function i2Osp(n, w) {
  if (w <= 0) {
    throw new Error("i2Osp: too small size");
  }
  if (n >= 256 ** w) {
    throw new Error("i2Osp: too large integer");
  }
  const ret = new Uint8Array(w);
  for (let i = 0; i < w && n; i++) {
    ret[w - (i + 1)] = n % 256;
    n = Math.floor(n / 256);
  }
  return ret;
}
function concat(a, b) {
  const ret = new Uint8Array(a.length + b.length);
  ret.set(a, 0);
  ret.set(b, a.length);
  return ret;
}
function base64UrlToBytes(v) {
  const base642 = v.replace(/-/g, "+").replace(/_/g, "/");
  const byteString = atob(base642);
  const ret = new Uint8Array(byteString.length);
  for (let i = 0; i < byteString.length; i++) {
    ret[i] = byteString.charCodeAt(i);
  }
  return ret;
}
function xor(a, b) {
  if (a.byteLength !== b.byteLength) {
    throw new Error("xor: different length inputs");
  }
  const buf = new Uint8Array(a.byteLength);
  for (let i = 0; i < a.byteLength; i++) {
    buf[i] = a[i] ^ b[i];
  }
  return buf;
}

// ../client/node_modules/@hpke/common/esm/src/kems/dhkem.js
var LABEL_EAE_PRK = /* @__PURE__ */ new Uint8Array([
  101,
  97,
  101,
  95,
  112,
  114,
  107
]);
var LABEL_SHARED_SECRET = /* @__PURE__ */ new Uint8Array([
  115,
  104,
  97,
  114,
  101,
  100,
  95,
  115,
  101,
  99,
  114,
  101,
  116
]);
function concat3(a, b, c) {
  const ret = new Uint8Array(a.length + b.length + c.length);
  ret.set(a, 0);
  ret.set(b, a.length);
  ret.set(c, a.length + b.length);
  return ret;
}
var Dhkem = class {
  constructor(id, prim, kdf) {
    Object.defineProperty(this, "id", {
      enumerable: true,
      configurable: true,
      writable: true,
      value: void 0
    });
    Object.defineProperty(this, "secretSize", {
      enumerable: true,
      configurable: true,
      writable: true,
      value: 0
    });
    Object.defineProperty(this, "encSize", {
      enumerable: true,
      configurable: true,
      writable: true,
      value: 0
    });
    Object.defineProperty(this, "publicKeySize", {
      enumerable: true,
      configurable: true,
      writable: true,
      value: 0
    });
    Object.defineProperty(this, "privateKeySize", {
      enumerable: true,
      configurable: true,
      writable: true,
      value: 0
    });
    Object.defineProperty(this, "_prim", {
      enumerable: true,
      configurable: true,
      writable: true,
      value: void 0
    });
    Object.defineProperty(this, "_kdf", {
      enumerable: true,
      configurable: true,
      writable: true,
      value: void 0
    });
    this.id = id;
    this._prim = prim;
    this._kdf = kdf;
    const suiteId = new Uint8Array(SUITE_ID_HEADER_KEM);
    suiteId.set(i2Osp(this.id, 2), 3);
    this._kdf.init(suiteId);
  }
  async serializePublicKey(key) {
    return await this._prim.serializePublicKey(key);
  }
  async deserializePublicKey(key) {
    return await this._prim.deserializePublicKey(toArrayBuffer(key));
  }
  async serializePrivateKey(key) {
    return await this._prim.serializePrivateKey(key);
  }
  async deserializePrivateKey(key) {
    return await this._prim.deserializePrivateKey(toArrayBuffer(key));
  }
  async importKey(format, key, isPublic = true) {
    return await this._prim.importKey(format, key, isPublic);
  }
  async generateKeyPair() {
    return await this._prim.generateKeyPair();
  }
  async deriveKeyPair(ikm) {
    const rawIkm = toArrayBuffer(ikm);
    if (rawIkm.byteLength > INPUT_LENGTH_LIMIT) {
      throw new InvalidParamError("Too long ikm");
    }
    return await this._prim.deriveKeyPair(rawIkm);
  }
  async encap(params) {
    let ke;
    if (params.ekm === void 0) {
      ke = await this.generateKeyPair();
    } else if (isCryptoKeyPair(params.ekm)) {
      ke = params.ekm;
    } else {
      ke = await this.deriveKeyPair(params.ekm);
    }
    const enc = await this._prim.serializePublicKey(ke.publicKey);
    const pkrm = await this._prim.serializePublicKey(params.recipientPublicKey);
    try {
      let dh;
      if (params.senderKey === void 0) {
        dh = new Uint8Array(await this._prim.dh(ke.privateKey, params.recipientPublicKey));
      } else {
        const sks = isCryptoKeyPair(params.senderKey) ? params.senderKey.privateKey : params.senderKey;
        const dh1 = new Uint8Array(await this._prim.dh(ke.privateKey, params.recipientPublicKey));
        const dh2 = new Uint8Array(await this._prim.dh(sks, params.recipientPublicKey));
        dh = concat(dh1, dh2);
      }
      let kemContext;
      if (params.senderKey === void 0) {
        kemContext = concat(new Uint8Array(enc), new Uint8Array(pkrm));
      } else {
        const pks = isCryptoKeyPair(params.senderKey) ? params.senderKey.publicKey : await this._prim.derivePublicKey(params.senderKey);
        const pksm = await this._prim.serializePublicKey(pks);
        kemContext = concat3(new Uint8Array(enc), new Uint8Array(pkrm), new Uint8Array(pksm));
      }
      const sharedSecret = await this._generateSharedSecret(dh, kemContext);
      return {
        enc,
        sharedSecret
      };
    } catch (e) {
      throw new EncapError(e);
    }
  }
  async decap(params) {
    const enc = toArrayBuffer(params.enc);
    const pke = await this._prim.deserializePublicKey(enc);
    const skr = isCryptoKeyPair(params.recipientKey) ? params.recipientKey.privateKey : params.recipientKey;
    const pkr = isCryptoKeyPair(params.recipientKey) ? params.recipientKey.publicKey : await this._prim.derivePublicKey(params.recipientKey);
    const pkrm = await this._prim.serializePublicKey(pkr);
    try {
      let dh;
      if (params.senderPublicKey === void 0) {
        dh = new Uint8Array(await this._prim.dh(skr, pke));
      } else {
        const dh1 = new Uint8Array(await this._prim.dh(skr, pke));
        const dh2 = new Uint8Array(await this._prim.dh(skr, params.senderPublicKey));
        dh = concat(dh1, dh2);
      }
      let kemContext;
      if (params.senderPublicKey === void 0) {
        kemContext = concat(new Uint8Array(enc), new Uint8Array(pkrm));
      } else {
        const pksm = await this._prim.serializePublicKey(params.senderPublicKey);
        kemContext = new Uint8Array(enc.byteLength + pkrm.byteLength + pksm.byteLength);
        kemContext.set(new Uint8Array(enc), 0);
        kemContext.set(new Uint8Array(pkrm), enc.byteLength);
        kemContext.set(new Uint8Array(pksm), enc.byteLength + pkrm.byteLength);
      }
      return await this._generateSharedSecret(dh, kemContext);
    } catch (e) {
      throw new DecapError(e);
    }
  }
  async _generateSharedSecret(dh, kemContext) {
    const labeledIkm = this._kdf.buildLabeledIkm(LABEL_EAE_PRK, dh);
    const labeledInfo = this._kdf.buildLabeledInfo(LABEL_SHARED_SECRET, kemContext, this.secretSize);
    return await this._kdf.extractAndExpand(EMPTY, labeledIkm, labeledInfo, this.secretSize);
  }
};

// ../client/node_modules/@hpke/common/esm/src/interfaces/dhkemPrimitives.js
var KEM_USAGES = ["deriveBits"];
var LABEL_DKP_PRK = /* @__PURE__ */ new Uint8Array([
  100,
  107,
  112,
  95,
  112,
  114,
  107
]);

// ../client/node_modules/@hpke/common/esm/src/utils/bignum.js
var Bignum = class {
  constructor(size) {
    Object.defineProperty(this, "_num", {
      enumerable: true,
      configurable: true,
      writable: true,
      value: void 0
    });
    this._num = new Uint8Array(size);
  }
  val() {
    return this._num;
  }
  reset() {
    this._num.fill(0);
  }
  set(src) {
    if (src.length !== this._num.length) {
      throw new Error("Bignum.set: invalid argument");
    }
    this._num.set(src);
  }
  isZero() {
    for (let i = 0; i < this._num.length; i++) {
      if (this._num[i] !== 0) {
        return false;
      }
    }
    return true;
  }
  lessThan(v) {
    if (v.length !== this._num.length) {
      throw new Error("Bignum.lessThan: invalid argument");
    }
    for (let i = 0; i < this._num.length; i++) {
      if (this._num[i] < v[i]) {
        return true;
      }
      if (this._num[i] > v[i]) {
        return false;
      }
    }
    return false;
  }
};

// ../client/node_modules/@hpke/common/esm/src/kems/dhkemPrimitives/ec.js
var LABEL_CANDIDATE = /* @__PURE__ */ new Uint8Array([
  99,
  97,
  110,
  100,
  105,
  100,
  97,
  116,
  101
]);
var ORDER_P_256 = /* @__PURE__ */ new Uint8Array([
  255,
  255,
  255,
  255,
  0,
  0,
  0,
  0,
  255,
  255,
  255,
  255,
  255,
  255,
  255,
  255,
  188,
  230,
  250,
  173,
  167,
  23,
  158,
  132,
  243,
  185,
  202,
  194,
  252,
  99,
  37,
  81
]);
var ORDER_P_384 = /* @__PURE__ */ new Uint8Array([
  255,
  255,
  255,
  255,
  255,
  255,
  255,
  255,
  255,
  255,
  255,
  255,
  255,
  255,
  255,
  255,
  255,
  255,
  255,
  255,
  255,
  255,
  255,
  255,
  199,
  99,
  77,
  129,
  244,
  55,
  45,
  223,
  88,
  26,
  13,
  178,
  72,
  176,
  167,
  122,
  236,
  236,
  25,
  106,
  204,
  197,
  41,
  115
]);
var ORDER_P_521 = /* @__PURE__ */ new Uint8Array([
  1,
  255,
  255,
  255,
  255,
  255,
  255,
  255,
  255,
  255,
  255,
  255,
  255,
  255,
  255,
  255,
  255,
  255,
  255,
  255,
  255,
  255,
  255,
  255,
  255,
  255,
  255,
  255,
  255,
  255,
  255,
  255,
  255,
  250,
  81,
  134,
  135,
  131,
  191,
  47,
  150,
  107,
  127,
  204,
  1,
  72,
  247,
  9,
  165,
  208,
  59,
  181,
  201,
  184,
  137,
  156,
  71,
  174,
  187,
  111,
  183,
  30,
  145,
  56,
  100,
  9
]);
var PKCS8_ALG_ID_P_256 = /* @__PURE__ */ new Uint8Array([
  48,
  65,
  2,
  1,
  0,
  48,
  19,
  6,
  7,
  42,
  134,
  72,
  206,
  61,
  2,
  1,
  6,
  8,
  42,
  134,
  72,
  206,
  61,
  3,
  1,
  7,
  4,
  39,
  48,
  37,
  2,
  1,
  1,
  4,
  32
]);
var PKCS8_ALG_ID_P_384 = /* @__PURE__ */ new Uint8Array([
  48,
  78,
  2,
  1,
  0,
  48,
  16,
  6,
  7,
  42,
  134,
  72,
  206,
  61,
  2,
  1,
  6,
  5,
  43,
  129,
  4,
  0,
  34,
  4,
  55,
  48,
  53,
  2,
  1,
  1,
  4,
  48
]);
var PKCS8_ALG_ID_P_521 = /* @__PURE__ */ new Uint8Array([
  48,
  96,
  2,
  1,
  0,
  48,
  16,
  6,
  7,
  42,
  134,
  72,
  206,
  61,
  2,
  1,
  6,
  5,
  43,
  129,
  4,
  0,
  35,
  4,
  73,
  48,
  71,
  2,
  1,
  1,
  4,
  66
]);
var EC_P_256_PARAMS = {
  p: 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffffn,
  b: 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn,
  gx: 0x6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296n,
  gy: 0x4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5n,
  coordinateSize: 32
};
var EC_P_384_PARAMS = {
  p: 0xfffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffff0000000000000000ffffffffn,
  b: 0xb3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875ac656398d8a2ed19d2a85c8edd3ec2aefn,
  gx: 0xaa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7n,
  gy: 0x3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5fn,
  coordinateSize: 48
};
var EC_P_521_PARAMS = {
  p: (1n << 521n) - 1n,
  b: 0x0051953eb9618e1c9a1f929a21a0b68540eea2da725b99b315f3b8b489918ef109e156193951ec7e937b1652c0bd3bb1bf073573df883d2c34f1ef451fd46b503f00n,
  gx: 0x00c6858e06b70404e9cd9e3ecb662395b4429c648139053fb521f828af606b4d3dbaa14b5e77efe75928fe1dc127a2ffa8de3348b3c1856a429bf97e7e31c2e5bd66n,
  gy: 0x011839296a789a3bc0045c8a5fb42c7d1bd998f54449579b446817afbd17273e662c97ee72995ef42640c550b9013fad0761353c7086a272c24088be94769fd16650n,
  coordinateSize: 66
};
function mod(a, p) {
  const r = a % p;
  return r >= 0n ? r : r + p;
}
function modPow(base, exponent, p) {
  let result = 1n;
  let b = mod(base, p);
  let e = exponent;
  while (e > 0n) {
    if ((e & 1n) === 1n) {
      result = mod(result * b, p);
    }
    b = mod(b * b, p);
    e >>= 1n;
  }
  return result;
}
function modSqrt(rhs, p) {
  const y = modPow(rhs, p + 1n >> 2n, p);
  if (mod(y * y, p) !== mod(rhs, p)) {
    throw new Error("Invalid ECDH point");
  }
  return y;
}
function bytesToBigInt(bytes) {
  let v = 0n;
  for (const b of bytes) {
    v = v << 8n | BYTE_TO_BIGINT_256[b];
  }
  return v;
}
function bigIntToBytes(v, len) {
  const out = new Uint8Array(len);
  let n = v;
  for (let i = len - 1; i >= 0; i--) {
    out[i] = Number(n & 0xffn);
    n >>= 8n;
  }
  if (n !== 0n) {
    throw new Error("Invalid coordinate length");
  }
  return out;
}
function buildRawUncompressedPublicKey(x, y, coordinateSize) {
  const out = new Uint8Array(1 + coordinateSize * 2);
  out[0] = 4;
  out.set(bigIntToBytes(x, coordinateSize), 1);
  out.set(bigIntToBytes(y, coordinateSize), 1 + coordinateSize);
  return out;
}
var Ec = class extends NativeAlgorithm {
  constructor(kem, hkdf) {
    super();
    Object.defineProperty(this, "_hkdf", {
      enumerable: true,
      configurable: true,
      writable: true,
      value: void 0
    });
    Object.defineProperty(this, "_alg", {
      enumerable: true,
      configurable: true,
      writable: true,
      value: void 0
    });
    Object.defineProperty(this, "_nPk", {
      enumerable: true,
      configurable: true,
      writable: true,
      value: void 0
    });
    Object.defineProperty(this, "_nSk", {
      enumerable: true,
      configurable: true,
      writable: true,
      value: void 0
    });
    Object.defineProperty(this, "_nDh", {
      enumerable: true,
      configurable: true,
      writable: true,
      value: void 0
    });
    Object.defineProperty(this, "_order", {
      enumerable: true,
      configurable: true,
      writable: true,
      value: void 0
    });
    Object.defineProperty(this, "_bitmask", {
      enumerable: true,
      configurable: true,
      writable: true,
      value: void 0
    });
    Object.defineProperty(this, "_pkcs8AlgId", {
      enumerable: true,
      configurable: true,
      writable: true,
      value: void 0
    });
    Object.defineProperty(this, "_curveParams", {
      enumerable: true,
      configurable: true,
      writable: true,
      value: void 0
    });
    this._hkdf = hkdf;
    switch (kem) {
      case KemId.DhkemP256HkdfSha256:
        this._alg = { name: "ECDH", namedCurve: "P-256" };
        this._nPk = 65;
        this._nSk = 32;
        this._nDh = 32;
        this._order = ORDER_P_256;
        this._bitmask = 255;
        this._pkcs8AlgId = PKCS8_ALG_ID_P_256;
        this._curveParams = EC_P_256_PARAMS;
        break;
      case KemId.DhkemP384HkdfSha384:
        this._alg = { name: "ECDH", namedCurve: "P-384" };
        this._nPk = 97;
        this._nSk = 48;
        this._nDh = 48;
        this._order = ORDER_P_384;
        this._bitmask = 255;
        this._pkcs8AlgId = PKCS8_ALG_ID_P_384;
        this._curveParams = EC_P_384_PARAMS;
        break;
      default:
        this._alg = { name: "ECDH", namedCurve: "P-521" };
        this._nPk = 133;
        this._nSk = 66;
        this._nDh = 66;
        this._order = ORDER_P_521;
        this._bitmask = 1;
        this._pkcs8AlgId = PKCS8_ALG_ID_P_521;
        this._curveParams = EC_P_521_PARAMS;
        break;
    }
  }
  async serializePublicKey(key) {
    await this._setup();
    try {
      return await this._api.exportKey("raw", key);
    } catch (e) {
      throw new SerializeError(e);
    }
  }
  async deserializePublicKey(key) {
    await this._setup();
    try {
      return await this._importRawKey(toArrayBuffer(key), true);
    } catch (e) {
      throw new DeserializeError(e);
    }
  }
  async serializePrivateKey(key) {
    await this._setup();
    try {
      const jwk = await this._api.exportKey("jwk", key);
      if (!("d" in jwk)) {
        throw new Error("Not private key");
      }
      return base64UrlToBytes(jwk["d"]).buffer;
    } catch (e) {
      throw new SerializeError(e);
    }
  }
  async deserializePrivateKey(key) {
    await this._setup();
    try {
      return await this._importRawKey(toArrayBuffer(key), false);
    } catch (e) {
      throw new DeserializeError(e);
    }
  }
  async importKey(format, key, isPublic) {
    await this._setup();
    try {
      if (format === "raw") {
        return await this._importRawKey(key, isPublic);
      }
      if (key instanceof ArrayBuffer) {
        throw new Error("Invalid jwk key format");
      }
      return await this._importJWK(key, isPublic);
    } catch (e) {
      throw new DeserializeError(e);
    }
  }
  async generateKeyPair() {
    await this._setup();
    try {
      return await this._api.generateKey(this._alg, true, KEM_USAGES);
    } catch (e) {
      throw new NotSupportedError(e);
    }
  }
  async deriveKeyPair(ikm) {
    await this._setup();
    try {
      const rawIkm = toArrayBuffer(ikm);
      const dkpPrk = await this._hkdf.labeledExtract(EMPTY, LABEL_DKP_PRK, new Uint8Array(rawIkm));
      const bn = new Bignum(this._nSk);
      for (let counter = 0; bn.isZero() || !bn.lessThan(this._order); counter++) {
        if (counter > 255) {
          throw new Error("Faild to derive a key pair");
        }
        const bytes = new Uint8Array(await this._hkdf.labeledExpand(dkpPrk, LABEL_CANDIDATE, i2Osp(counter, 1), this._nSk));
        bytes[0] = bytes[0] & this._bitmask;
        bn.set(bytes);
      }
      const sk = await this._deserializePkcs8Key(bn.val());
      bn.reset();
      return {
        privateKey: sk,
        publicKey: await this.derivePublicKey(sk)
      };
    } catch (e) {
      throw new DeriveKeyPairError(e);
    }
  }
  async derivePublicKey(key) {
    await this._setup();
    try {
      const jwk = await this._api.exportKey("jwk", key);
      delete jwk["d"];
      delete jwk["key_ops"];
      return await this._api.importKey("jwk", jwk, this._alg, true, []);
    } catch {
      try {
        return await this._derivePublicKeyWithoutJwkExport(key);
      } catch (e) {
        throw new DeserializeError(e);
      }
    }
  }
  async dh(sk, pk) {
    try {
      await this._setup();
      const bits = await this._api.deriveBits({
        name: "ECDH",
        public: pk
      }, sk, this._nDh * 8);
      return bits;
    } catch (e) {
      throw new SerializeError(e);
    }
  }
  async _importRawKey(key, isPublic) {
    if (isPublic && key.byteLength !== this._nPk) {
      throw new Error("Invalid public key for the ciphersuite");
    }
    if (!isPublic && key.byteLength !== this._nSk) {
      throw new Error("Invalid private key for the ciphersuite");
    }
    if (isPublic) {
      return await this._api.importKey("raw", key, this._alg, true, []);
    }
    return await this._deserializePkcs8Key(new Uint8Array(key));
  }
  async _importJWK(key, isPublic) {
    if (typeof key.crv === "undefined" || key.crv !== this._alg.namedCurve) {
      throw new Error(`Invalid crv: ${key.crv}`);
    }
    if (isPublic) {
      if (typeof key.d !== "undefined") {
        throw new Error("Invalid key: `d` should not be set");
      }
      return await this._api.importKey("jwk", key, this._alg, true, []);
    }
    if (typeof key.d === "undefined") {
      throw new Error("Invalid key: `d` not found");
    }
    return await this._api.importKey("jwk", key, this._alg, true, KEM_USAGES);
  }
  async _deserializePkcs8Key(k) {
    const pkcs8Key = new Uint8Array(this._pkcs8AlgId.length + k.length);
    pkcs8Key.set(this._pkcs8AlgId, 0);
    pkcs8Key.set(k, this._pkcs8AlgId.length);
    return await this._api.importKey("pkcs8", pkcs8Key, this._alg, true, KEM_USAGES);
  }
  async _derivePublicKeyWithoutJwkExport(key) {
    const basePointRaw = buildRawUncompressedPublicKey(this._curveParams.gx, this._curveParams.gy, this._curveParams.coordinateSize);
    const basePoint = await this._api.importKey("raw", basePointRaw.buffer, this._alg, true, []);
    const xBytes = new Uint8Array(await this._api.deriveBits({
      name: "ECDH",
      public: basePoint
    }, key, this._nDh * 8));
    const p = this._curveParams.p;
    const x = bytesToBigInt(xBytes);
    const rhs = mod(modPow(x, 3n, p) - 3n * x + this._curveParams.b, p);
    let y = modSqrt(rhs, p);
    if ((y & 1n) === 1n) {
      y = p - y;
    }
    const pubRaw = buildRawUncompressedPublicKey(x, y, this._curveParams.coordinateSize);
    return await this._api.importKey("raw", pubRaw.buffer, this._alg, true, []);
  }
};

// ../client/node_modules/@hpke/common/esm/src/interfaces/aeadEncryptionContext.js
var AEAD_USAGES = ["encrypt", "decrypt"];

// ../client/node_modules/@hpke/core/esm/src/aeads/aesGcm.js
var AesGcmContext = class extends NativeAlgorithm {
  constructor(key) {
    super();
    Object.defineProperty(this, "_rawKey", {
      enumerable: true,
      configurable: true,
      writable: true,
      value: void 0
    });
    Object.defineProperty(this, "_key", {
      enumerable: true,
      configurable: true,
      writable: true,
      value: void 0
    });
    this._rawKey = toArrayBuffer(key);
  }
  async seal(iv, data, aad) {
    await this._setupKey();
    const alg = {
      name: "AES-GCM",
      iv: toArrayBuffer(iv),
      additionalData: toArrayBuffer(aad)
    };
    const ct = await this._api.encrypt(alg, this._key, toArrayBuffer(data));
    return ct;
  }
  async open(iv, data, aad) {
    await this._setupKey();
    const alg = {
      name: "AES-GCM",
      iv: toArrayBuffer(iv),
      additionalData: toArrayBuffer(aad)
    };
    const pt = await this._api.decrypt(alg, this._key, toArrayBuffer(data));
    return pt;
  }
  async _setupKey() {
    if (this._key !== void 0) {
      return;
    }
    await this._setup();
    const key = await this._importKey(this._rawKey);
    new Uint8Array(this._rawKey).fill(0);
    this._key = key;
    return;
  }
  async _importKey(key) {
    return await this._api.importKey("raw", key, { name: "AES-GCM" }, true, AEAD_USAGES);
  }
};
var Aes128Gcm = class {
  constructor() {
    Object.defineProperty(this, "id", {
      enumerable: true,
      configurable: true,
      writable: true,
      value: AeadId.Aes128Gcm
    });
    Object.defineProperty(this, "keySize", {
      enumerable: true,
      configurable: true,
      writable: true,
      value: 16
    });
    Object.defineProperty(this, "nonceSize", {
      enumerable: true,
      configurable: true,
      writable: true,
      value: 12
    });
    Object.defineProperty(this, "tagSize", {
      enumerable: true,
      configurable: true,
      writable: true,
      value: 16
    });
  }
  createEncryptionContext(key) {
    return new AesGcmContext(key);
  }
};
var Aes256Gcm = class extends Aes128Gcm {
  constructor() {
    super(...arguments);
    Object.defineProperty(this, "id", {
      enumerable: true,
      configurable: true,
      writable: true,
      value: AeadId.Aes256Gcm
    });
    Object.defineProperty(this, "keySize", {
      enumerable: true,
      configurable: true,
      writable: true,
      value: 32
    });
    Object.defineProperty(this, "nonceSize", {
      enumerable: true,
      configurable: true,
      writable: true,
      value: 12
    });
    Object.defineProperty(this, "tagSize", {
      enumerable: true,
      configurable: true,
      writable: true,
      value: 16
    });
  }
};

// ../client/node_modules/@hpke/core/esm/src/utils/emitNotSupported.js
function emitNotSupported() {
  return new Promise((_resolve, reject) => {
    reject(new NotSupportedError("Not supported"));
  });
}

// ../client/node_modules/@hpke/core/esm/src/exporterContext.js
var LABEL_SEC = new Uint8Array([115, 101, 99]);
var ExporterContextImpl = class {
  constructor(api, kdf, exporterSecret) {
    Object.defineProperty(this, "_api", {
      enumerable: true,
      configurable: true,
      writable: true,
      value: void 0
    });
    Object.defineProperty(this, "exporterSecret", {
      enumerable: true,
      configurable: true,
      writable: true,
      value: void 0
    });
    Object.defineProperty(this, "_kdf", {
      enumerable: true,
      configurable: true,
      writable: true,
      value: void 0
    });
    this._api = api;
    this._kdf = kdf;
    this.exporterSecret = exporterSecret;
  }
  async seal(_data, _aad) {
    return await emitNotSupported();
  }
  async open(_data, _aad) {
    return await emitNotSupported();
  }
  async export(exporterContext, len) {
    const rawExporterContext = toArrayBuffer(exporterContext);
    if (rawExporterContext.byteLength > INPUT_LENGTH_LIMIT) {
      throw new InvalidParamError("Too long exporter context");
    }
    try {
      return await this._kdf.labeledExpand(this.exporterSecret, LABEL_SEC, new Uint8Array(rawExporterContext), len);
    } catch (e) {
      throw new ExportError(e);
    }
  }
};
var RecipientExporterContextImpl = class extends ExporterContextImpl {
};
var SenderExporterContextImpl = class extends ExporterContextImpl {
  constructor(api, kdf, exporterSecret, enc) {
    super(api, kdf, exporterSecret);
    Object.defineProperty(this, "enc", {
      enumerable: true,
      configurable: true,
      writable: true,
      value: void 0
    });
    this.enc = enc;
    return;
  }
};

// ../client/node_modules/@hpke/core/esm/src/encryptionContext.js
var EncryptionContextImpl = class extends ExporterContextImpl {
  constructor(api, kdf, params) {
    super(api, kdf, params.exporterSecret);
    Object.defineProperty(this, "_aead", {
      enumerable: true,
      configurable: true,
      writable: true,
      value: void 0
    });
    Object.defineProperty(this, "_nK", {
      enumerable: true,
      configurable: true,
      writable: true,
      value: void 0
    });
    Object.defineProperty(this, "_nN", {
      enumerable: true,
      configurable: true,
      writable: true,
      value: void 0
    });
    Object.defineProperty(this, "_nT", {
      enumerable: true,
      configurable: true,
      writable: true,
      value: void 0
    });
    Object.defineProperty(this, "_ctx", {
      enumerable: true,
      configurable: true,
      writable: true,
      value: void 0
    });
    if (params.key === void 0 || params.baseNonce === void 0 || params.seq === void 0) {
      throw new Error("Required parameters are missing");
    }
    this._aead = params.aead;
    this._nK = this._aead.keySize;
    this._nN = this._aead.nonceSize;
    this._nT = this._aead.tagSize;
    const key = this._aead.createEncryptionContext(params.key);
    this._ctx = {
      key,
      baseNonce: params.baseNonce,
      seq: params.seq
    };
  }
  computeNonce(k) {
    const seqBytes = i2Osp(k.seq, k.baseNonce.byteLength);
    return xor(k.baseNonce, seqBytes).buffer;
  }
  incrementSeq(k) {
    if (k.seq > Number.MAX_SAFE_INTEGER) {
      throw new MessageLimitReachedError("Message limit reached");
    }
    k.seq += 1;
    return;
  }
};

// ../client/node_modules/@hpke/core/esm/src/mutex.js
var __classPrivateFieldGet = function(receiver, state, kind, f) {
  if (kind === "a" && !f) throw new TypeError("Private accessor was defined without a getter");
  if (typeof state === "function" ? receiver !== state || !f : !state.has(receiver)) throw new TypeError("Cannot read private member from an object whose class did not declare it");
  return kind === "m" ? f : kind === "a" ? f.call(receiver) : f ? f.value : state.get(receiver);
};
var __classPrivateFieldSet = function(receiver, state, value, kind, f) {
  if (kind === "m") throw new TypeError("Private method is not writable");
  if (kind === "a" && !f) throw new TypeError("Private accessor was defined without a setter");
  if (typeof state === "function" ? receiver !== state || !f : !state.has(receiver)) throw new TypeError("Cannot write private member to an object whose class did not declare it");
  return kind === "a" ? f.call(receiver, value) : f ? f.value = value : state.set(receiver, value), value;
};
var _Mutex_locked;
var Mutex = class {
  constructor() {
    _Mutex_locked.set(this, Promise.resolve());
  }
  async lock() {
    let releaseLock;
    const nextLock = new Promise((resolve) => {
      releaseLock = resolve;
    });
    const previousLock = __classPrivateFieldGet(this, _Mutex_locked, "f");
    __classPrivateFieldSet(this, _Mutex_locked, nextLock, "f");
    await previousLock;
    return releaseLock;
  }
};
_Mutex_locked = /* @__PURE__ */ new WeakMap();

// ../client/node_modules/@hpke/core/esm/src/recipientContext.js
var __classPrivateFieldGet2 = function(receiver, state, kind, f) {
  if (kind === "a" && !f) throw new TypeError("Private accessor was defined without a getter");
  if (typeof state === "function" ? receiver !== state || !f : !state.has(receiver)) throw new TypeError("Cannot read private member from an object whose class did not declare it");
  return kind === "m" ? f : kind === "a" ? f.call(receiver) : f ? f.value : state.get(receiver);
};
var __classPrivateFieldSet2 = function(receiver, state, value, kind, f) {
  if (kind === "m") throw new TypeError("Private method is not writable");
  if (kind === "a" && !f) throw new TypeError("Private accessor was defined without a setter");
  if (typeof state === "function" ? receiver !== state || !f : !state.has(receiver)) throw new TypeError("Cannot write private member to an object whose class did not declare it");
  return kind === "a" ? f.call(receiver, value) : f ? f.value = value : state.set(receiver, value), value;
};
var _RecipientContextImpl_mutex;
var RecipientContextImpl = class extends EncryptionContextImpl {
  constructor() {
    super(...arguments);
    _RecipientContextImpl_mutex.set(this, void 0);
  }
  async open(data, aad = EMPTY.buffer) {
    __classPrivateFieldSet2(this, _RecipientContextImpl_mutex, __classPrivateFieldGet2(this, _RecipientContextImpl_mutex, "f") ?? new Mutex(), "f");
    const release = await __classPrivateFieldGet2(this, _RecipientContextImpl_mutex, "f").lock();
    let pt;
    try {
      pt = await this._ctx.key.open(this.computeNonce(this._ctx), toArrayBuffer(data), toArrayBuffer(aad));
    } catch (e) {
      throw new OpenError(e);
    } finally {
      release();
    }
    this.incrementSeq(this._ctx);
    return pt;
  }
};
_RecipientContextImpl_mutex = /* @__PURE__ */ new WeakMap();

// ../client/node_modules/@hpke/core/esm/src/senderContext.js
var __classPrivateFieldGet3 = function(receiver, state, kind, f) {
  if (kind === "a" && !f) throw new TypeError("Private accessor was defined without a getter");
  if (typeof state === "function" ? receiver !== state || !f : !state.has(receiver)) throw new TypeError("Cannot read private member from an object whose class did not declare it");
  return kind === "m" ? f : kind === "a" ? f.call(receiver) : f ? f.value : state.get(receiver);
};
var __classPrivateFieldSet3 = function(receiver, state, value, kind, f) {
  if (kind === "m") throw new TypeError("Private method is not writable");
  if (kind === "a" && !f) throw new TypeError("Private accessor was defined without a setter");
  if (typeof state === "function" ? receiver !== state || !f : !state.has(receiver)) throw new TypeError("Cannot write private member to an object whose class did not declare it");
  return kind === "a" ? f.call(receiver, value) : f ? f.value = value : state.set(receiver, value), value;
};
var _SenderContextImpl_mutex;
var SenderContextImpl = class extends EncryptionContextImpl {
  constructor(api, kdf, params, enc) {
    super(api, kdf, params);
    Object.defineProperty(this, "enc", {
      enumerable: true,
      configurable: true,
      writable: true,
      value: void 0
    });
    _SenderContextImpl_mutex.set(this, void 0);
    this.enc = enc;
  }
  async seal(data, aad = EMPTY.buffer) {
    __classPrivateFieldSet3(this, _SenderContextImpl_mutex, __classPrivateFieldGet3(this, _SenderContextImpl_mutex, "f") ?? new Mutex(), "f");
    const release = await __classPrivateFieldGet3(this, _SenderContextImpl_mutex, "f").lock();
    let ct;
    try {
      ct = await this._ctx.key.seal(this.computeNonce(this._ctx), toArrayBuffer(data), toArrayBuffer(aad));
    } catch (e) {
      throw new SealError(e);
    } finally {
      release();
    }
    this.incrementSeq(this._ctx);
    return ct;
  }
};
_SenderContextImpl_mutex = /* @__PURE__ */ new WeakMap();

// ../client/node_modules/@hpke/core/esm/src/cipherSuiteNative.js
var LABEL_BASE_NONCE = new Uint8Array([
  98,
  97,
  115,
  101,
  95,
  110,
  111,
  110,
  99,
  101
]);
var LABEL_EXP = new Uint8Array([101, 120, 112]);
var LABEL_INFO_HASH = new Uint8Array([
  105,
  110,
  102,
  111,
  95,
  104,
  97,
  115,
  104
]);
var LABEL_KEY = new Uint8Array([107, 101, 121]);
var LABEL_PSK_ID_HASH = new Uint8Array([
  112,
  115,
  107,
  95,
  105,
  100,
  95,
  104,
  97,
  115,
  104
]);
var LABEL_SECRET = new Uint8Array([115, 101, 99, 114, 101, 116]);
var SUITE_ID_HEADER_HPKE = new Uint8Array([
  72,
  80,
  75,
  69,
  0,
  0,
  0,
  0,
  0,
  0
]);
var CipherSuiteNative = class extends NativeAlgorithm {
  /**
   * @param params A set of parameters for building a cipher suite.
   *
   * If the error occurred, throws {@link InvalidParamError}.
   *
   * @throws {@link InvalidParamError}
   */
  constructor(params) {
    super();
    Object.defineProperty(this, "_kem", {
      enumerable: true,
      configurable: true,
      writable: true,
      value: void 0
    });
    Object.defineProperty(this, "_kdf", {
      enumerable: true,
      configurable: true,
      writable: true,
      value: void 0
    });
    Object.defineProperty(this, "_aead", {
      enumerable: true,
      configurable: true,
      writable: true,
      value: void 0
    });
    Object.defineProperty(this, "_suiteId", {
      enumerable: true,
      configurable: true,
      writable: true,
      value: void 0
    });
    if (typeof params.kem === "number") {
      throw new InvalidParamError("KemId cannot be used");
    }
    this._kem = params.kem;
    if (typeof params.kdf === "number") {
      throw new InvalidParamError("KdfId cannot be used");
    }
    this._kdf = params.kdf;
    if (typeof params.aead === "number") {
      throw new InvalidParamError("AeadId cannot be used");
    }
    this._aead = params.aead;
    this._suiteId = new Uint8Array(SUITE_ID_HEADER_HPKE);
    this._suiteId.set(i2Osp(this._kem.id, 2), 4);
    this._suiteId.set(i2Osp(this._kdf.id, 2), 6);
    this._suiteId.set(i2Osp(this._aead.id, 2), 8);
    this._kdf.init(this._suiteId);
  }
  /**
   * Gets the KEM context of the ciphersuite.
   */
  get kem() {
    return this._kem;
  }
  /**
   * Gets the KDF context of the ciphersuite.
   */
  get kdf() {
    return this._kdf;
  }
  /**
   * Gets the AEAD context of the ciphersuite.
   */
  get aead() {
    return this._aead;
  }
  /**
   * Creates an encryption context for a sender.
   *
   * If the error occurred, throws {@link DecapError} | {@link ValidationError}.
   *
   * @param params A set of parameters for the sender encryption context.
   * @returns A sender encryption context.
   * @throws {@link EncapError}, {@link ValidationError}
   */
  async createSenderContext(params) {
    this._validateInputLength(params);
    await this._setup();
    const dh = await this._kem.encap(params);
    let mode;
    if (params.psk !== void 0) {
      mode = params.senderKey !== void 0 ? Mode.AuthPsk : Mode.Psk;
    } else {
      mode = params.senderKey !== void 0 ? Mode.Auth : Mode.Base;
    }
    return await this._keyScheduleS(mode, dh.sharedSecret, dh.enc, params);
  }
  /**
   * Creates an encryption context for a recipient.
   *
   * If the error occurred, throws {@link DecapError}
   * | {@link DeserializeError} | {@link ValidationError}.
   *
   * @param params A set of parameters for the recipient encryption context.
   * @returns A recipient encryption context.
   * @throws {@link DecapError}, {@link DeserializeError}, {@link ValidationError}
   */
  async createRecipientContext(params) {
    this._validateInputLength(params);
    await this._setup();
    const sharedSecret = await this._kem.decap(params);
    let mode;
    if (params.psk !== void 0) {
      mode = params.senderPublicKey !== void 0 ? Mode.AuthPsk : Mode.Psk;
    } else {
      mode = params.senderPublicKey !== void 0 ? Mode.Auth : Mode.Base;
    }
    return await this._keyScheduleR(mode, sharedSecret, params);
  }
  /**
   * Encrypts a message to a recipient.
   *
   * If the error occurred, throws `EncapError` | `MessageLimitReachedError` | `SealError` | `ValidationError`.
   *
   * @param params A set of parameters for building a sender encryption context.
   * @param pt A plain text as bytes to be encrypted.
   * @param aad Additional authenticated data as bytes fed by an application.
   * @returns A cipher text and an encapsulated key as bytes.
   * @throws {@link EncapError}, {@link MessageLimitReachedError}, {@link SealError}, {@link ValidationError}
   */
  async seal(params, pt, aad = EMPTY.buffer) {
    const ctx = await this.createSenderContext(params);
    return {
      ct: await ctx.seal(pt, aad),
      enc: ctx.enc
    };
  }
  /**
   * Decrypts a message from a sender.
   *
   * If the error occurred, throws `DecapError` | `DeserializeError` | `OpenError` | `ValidationError`.
   *
   * @param params A set of parameters for building a recipient encryption context.
   * @param ct An encrypted text as bytes to be decrypted.
   * @param aad Additional authenticated data as bytes fed by an application.
   * @returns A decrypted plain text as bytes.
   * @throws {@link DecapError}, {@link DeserializeError}, {@link OpenError}, {@link ValidationError}
   */
  async open(params, ct, aad = EMPTY.buffer) {
    const ctx = await this.createRecipientContext(params);
    return await ctx.open(ct, aad);
  }
  // private verifyPskInputs(mode: Mode, params: KeyScheduleParams) {
  //   const gotPsk = (params.psk !== undefined);
  //   const gotPskId = (params.psk !== undefined && params.psk.id.byteLength > 0);
  //   if (gotPsk !== gotPskId) {
  //     throw new Error('Inconsistent PSK inputs');
  //   }
  //   if (gotPsk && (mode === Mode.Base || mode === Mode.Auth)) {
  //     throw new Error('PSK input provided when not needed');
  //   }
  //   if (!gotPsk && (mode === Mode.Psk || mode === Mode.AuthPsk)) {
  //     throw new Error('Missing required PSK input');
  //   }
  //   return;
  // }
  async _keySchedule(mode, sharedSecret, params) {
    const pskId = params.psk === void 0 ? EMPTY : toUint8Array(params.psk.id);
    const pskIdHash = await this._kdf.labeledExtract(EMPTY, LABEL_PSK_ID_HASH, pskId);
    const info = params.info === void 0 ? EMPTY : toUint8Array(params.info);
    const infoHash = await this._kdf.labeledExtract(EMPTY, LABEL_INFO_HASH, info);
    const keyScheduleContext = new Uint8Array(1 + pskIdHash.byteLength + infoHash.byteLength);
    keyScheduleContext.set(new Uint8Array([mode]), 0);
    keyScheduleContext.set(new Uint8Array(pskIdHash), 1);
    keyScheduleContext.set(new Uint8Array(infoHash), 1 + pskIdHash.byteLength);
    const psk = params.psk === void 0 ? EMPTY : toUint8Array(params.psk.key);
    const ikm = this._kdf.buildLabeledIkm(LABEL_SECRET, psk);
    const exporterSecretInfo = this._kdf.buildLabeledInfo(LABEL_EXP, keyScheduleContext, this._kdf.hashSize);
    const exporterSecret = await this._kdf.extractAndExpand(sharedSecret, ikm, exporterSecretInfo, this._kdf.hashSize);
    if (this._aead.id === AeadId.ExportOnly) {
      return { aead: this._aead, exporterSecret };
    }
    const keyInfo = this._kdf.buildLabeledInfo(LABEL_KEY, keyScheduleContext, this._aead.keySize);
    const key = await this._kdf.extractAndExpand(sharedSecret, ikm, keyInfo, this._aead.keySize);
    const baseNonceInfo = this._kdf.buildLabeledInfo(LABEL_BASE_NONCE, keyScheduleContext, this._aead.nonceSize);
    const baseNonce = await this._kdf.extractAndExpand(sharedSecret, ikm, baseNonceInfo, this._aead.nonceSize);
    return {
      aead: this._aead,
      exporterSecret,
      key,
      baseNonce: new Uint8Array(baseNonce),
      seq: 0
    };
  }
  async _keyScheduleS(mode, sharedSecret, enc, params) {
    const res = await this._keySchedule(mode, sharedSecret, params);
    if (res.key === void 0) {
      return new SenderExporterContextImpl(this._api, this._kdf, res.exporterSecret, enc);
    }
    return new SenderContextImpl(this._api, this._kdf, res, enc);
  }
  async _keyScheduleR(mode, sharedSecret, params) {
    const res = await this._keySchedule(mode, sharedSecret, params);
    if (res.key === void 0) {
      return new RecipientExporterContextImpl(this._api, this._kdf, res.exporterSecret);
    }
    return new RecipientContextImpl(this._api, this._kdf, res);
  }
  _validateInputLength(params) {
    if (params.info !== void 0 && params.info.byteLength > INFO_LENGTH_LIMIT) {
      throw new InvalidParamError("Too long info");
    }
    if (params.psk !== void 0) {
      if (params.psk.key.byteLength < MINIMUM_PSK_LENGTH) {
        throw new InvalidParamError(`PSK must have at least ${MINIMUM_PSK_LENGTH} bytes`);
      }
      if (params.psk.key.byteLength > INPUT_LENGTH_LIMIT) {
        throw new InvalidParamError("Too long psk.key");
      }
      if (params.psk.id.byteLength > INPUT_LENGTH_LIMIT) {
        throw new InvalidParamError("Too long psk.id");
      }
    }
    return;
  }
};

// ../client/node_modules/@hpke/core/esm/src/kems/dhkemNative.js
var DhkemP256HkdfSha256Native = class extends Dhkem {
  constructor() {
    const kdf = new HkdfSha256Native();
    const prim = new Ec(KemId.DhkemP256HkdfSha256, kdf);
    super(KemId.DhkemP256HkdfSha256, prim, kdf);
    Object.defineProperty(this, "id", {
      enumerable: true,
      configurable: true,
      writable: true,
      value: KemId.DhkemP256HkdfSha256
    });
    Object.defineProperty(this, "secretSize", {
      enumerable: true,
      configurable: true,
      writable: true,
      value: 32
    });
    Object.defineProperty(this, "encSize", {
      enumerable: true,
      configurable: true,
      writable: true,
      value: 65
    });
    Object.defineProperty(this, "publicKeySize", {
      enumerable: true,
      configurable: true,
      writable: true,
      value: 65
    });
    Object.defineProperty(this, "privateKeySize", {
      enumerable: true,
      configurable: true,
      writable: true,
      value: 32
    });
  }
};

// ../client/node_modules/@hpke/core/esm/src/native.js
var CipherSuite = class extends CipherSuiteNative {
};
var DhkemP256HkdfSha256 = class extends DhkemP256HkdfSha256Native {
};
var HkdfSha256 = class extends HkdfSha256Native {
};

// ../client/src/transcript.ts
var ecdsa = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
var publicKeySize = 65;
var signatureSize = 64;
function utf8(text) {
  return new TextEncoder().encode(text);
}
function concat2(...parts) {
  const all = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
async function transcript(label, ...parts) {
  const pieces = [utf8(`postern/v1/${label}`), ...parts].flatMap((part) => {
    const size = new Uint8Array(4);
    new DataView(size.buffer).setUint32(0, part.length);
    return [size, part];
  });
  return new Uint8Array(await crypto.subtle.digest("SHA-256", concat2(...pieces)));
}
async function comparisonCode(pairing) {
  const { buffer } = await transcript("code", pairing);
  return String(new DataView(buffer).getBigUint64(0) % 1000000n).padStart(6, "0");
}
async function verify(publicKey, signed, signature) {
  if (publicKey.length !== publicKeySize || signature.length !== signatureSize) return false;
  try {
    const key = await crypto.subtle.importKey("raw", publicKey, ecdsa, false, ["verify"]);
    return await crypto.subtle.verify(ecdsa, key, signature, signed);
  } catch {
    return false;
  }
}
function equal(a, b) {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
function base64(bytes) {
  return btoa(String.fromCharCode(...bytes));
}
function fromBase64(text) {
  if (typeof text !== "string") return void 0;
  try {
    const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
    return base64(bytes) === text ? bytes : void 0;
  } catch {
    return void 0;
  }
}

// ../client/src/sealed.ts
var textFrame = Uint8Array.of(1);
async function agentFrames(key, base) {
  const aes = await crypto.subtle.importKey("raw", key, "AES-GCM", false, ["decrypt"]);
  let received = 0n;
  return async (sealed) => {
    const iv = base.slice();
    const counter = new DataView(iv.buffer);
    counter.setBigUint64(4, counter.getBigUint64(4) ^ received++);
    return new Uint8Array(await crypto.subtle.decrypt({ name: "AES-GCM", iv }, aes, sealed));
  };
}
function textOf(plain) {
  if (plain[0] !== textFrame[0]) throw new Ended("broken");
  return new TextDecoder("utf-8", { fatal: true }).decode(plain.subarray(1));
}
function sealedChannel(socket, seal, open) {
  let over = false;
  const end = (why) => {
    if (over) return;
    over = true;
    channel.onclose(why);
  };
  const broken = () => {
    socket.close();
    end(new Ended("broken"));
  };
  let outgoing = Promise.resolve();
  let incoming = Promise.resolve();
  const channel = {
    send(frame) {
      outgoing = outgoing.then(async () => socket.send(await seal(concat2(textFrame, utf8(frame))))).catch(broken);
    },
    close: () => socket.close(),
    onmessage: () => {
    },
    onclose: () => {
    }
  };
  const receive = async (data) => {
    if (over) return;
    if (!(data instanceof ArrayBuffer)) return broken();
    const text = textOf(await open(new Uint8Array(data)));
    channel.onmessage(text);
  };
  socket.onmessage = ({ data }) => void (incoming = incoming.then(() => receive(data)).catch(broken));
  socket.onclose = (event) => void incoming.then(() => end(ended(event)));
  return channel;
}

// ../client/src/handshake.ts
var patience = 5e3;
var maxHello = 4096;
async function shakeHands(socket, page) {
  const hello = await firstFrame(socket);
  const channelKey = await checkHello(hello, page.agentKey);
  const suite2 = new CipherSuite({ kem: new DhkemP256HkdfSha256(), kdf: new HkdfSha256(), aead: new Aes256Gcm() });
  const helloBytes = utf8(hello);
  const origin2 = utf8(page.origin);
  const sender = await suite2.createSenderContext({
    recipientPublicKey: await suite2.kem.deserializePublicKey(channelKey),
    info: await transcript("channel", helloBytes, origin2)
  });
  const enc = new Uint8Array(sender.enc);
  const signed = await transcript("proof", helloBytes, enc, origin2, utf8(page.account));
  const proof = JSON.stringify({ pageKey: base64(page.key.public), account: page.account, signature: base64(await page.key.sign(signed)) });
  const seal = async (frame) => new Uint8Array(await sender.seal(frame));
  const exported = async (name, size) => new Uint8Array(await sender.export(utf8(`postern/v1/agent ${name}`), size));
  const open = await agentFrames(await exported("key", 32), await exported("nonce", 12));
  const first2 = concat2(enc, await seal(utf8(proof)));
  if (socket.readyState !== socket.OPEN) throw new Ended("closed");
  const channel = sealedChannel(socket, seal, open);
  socket.send(first2);
  return channel;
}
function firstFrame(socket) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Ended("silent")), patience);
    const settle = () => clearTimeout(timer);
    socket.onmessage = ({ data }) => {
      settle();
      if (typeof data === "string" && data.length <= maxHello) resolve(data);
      else reject(new Ended("stranger"));
    };
    socket.onclose = (event) => {
      settle();
      reject(ended(event));
    };
  });
}
async function checkHello(frame, pinned) {
  const { agentKey, channelKey, nonce, signature } = helloOf(frame);
  if (!agentKey || !channelKey || !nonce || !signature || !equal(agentKey, pinned)) throw new Ended("stranger");
  if (!await verify(pinned, await transcript("hello", agentKey, channelKey, nonce), signature)) throw new Ended("stranger");
  return channelKey;
}
function helloOf(frame) {
  try {
    return Object.fromEntries(Object.entries(JSON.parse(frame)).map(([name, value]) => [name, fromBase64(value)]));
  } catch {
    throw new Ended("stranger");
  }
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
var notPaired = {
  unknown: "Postern is running and does not know this page yet. Ask to be allowed, and compare the code.",
  "other-agent": "What answers on this computer is not the Postern that this page knows, so the page sends it nothing. If Postern was installed anew, ask to be allowed again; otherwise find out what it is.",
  "no-storage": "Postern is running, and the browser does not let this page keep its key. Open the page in an ordinary window, not a private one, and let it store data."
};
function helpText({ state, reason }, browser, vault, secure = true) {
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
      return notPaired[reason ?? "unknown"];
    case "locked":
      return vault?.state === "none" ? "Connected. There is no vault yet; create one, and keep the key that it shows." : "Connected. The vault is locked; unlock it from the tray, or with its key.";
    case "ready":
      return "Connected. The vault is open.";
  }
}

// ../client/src/keys.ts
var database = "postern";
var table = "keys";
var pageEntry = "page";
var agentEntry = (port2) => `agent ${port2}`;
var browserKeys = {
  async page() {
    const kept = await transact("readonly", (entries) => entries.get(pageEntry));
    return pageKey(kept ?? await create());
  },
  agent: (port2) => transact("readonly", (entries) => entries.get(agentEntry(port2))),
  async pin(port2, agentKey) {
    await transact("readwrite", (entries) => entries.put(agentKey, agentEntry(port2)));
  }
};
async function create() {
  const made = await crypto.subtle.generateKey(ecdsa, false, ["sign", "verify"]);
  return transact("readwrite", async (entries) => {
    const first2 = await done(entries.get(pageEntry));
    if (!first2) entries.put(made, pageEntry);
    return first2 ?? made;
  });
}
async function pageKey({ publicKey, privateKey }) {
  return {
    public: new Uint8Array(await crypto.subtle.exportKey("raw", publicKey)),
    sign: async (transcript2) => new Uint8Array(await crypto.subtle.sign(ecdsa, privateKey, transcript2))
  };
}
async function transact(mode, work) {
  try {
    const opening = indexedDB.open(database, 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore(table);
    const db = await done(opening);
    try {
      const transaction = db.transaction(table, mode);
      const written = new Promise((resolve, reject) => {
        transaction.oncomplete = () => resolve();
        transaction.onabort = () => reject(transaction.error);
      });
      const working = work(transaction.objectStore(table));
      const [result] = await Promise.all([working instanceof Promise ? working : done(working), written]);
      return result;
    } finally {
      db.close();
    }
  } catch (cause) {
    throw notKept(cause);
  }
}
function done(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
function notKept(cause) {
  return new PosternError(
    "not_paired",
    "This browser does not let the page keep its key.",
    "Open the page in an ordinary window, not a private one, and let it store data.",
    { cause }
  );
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
      channel.onclose = (end) => {
        this.#fail(connectionLost());
        resolve(end);
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

// ../client/src/pairing.ts
var questionSeconds = 60;
async function askToBeAllowed({ app, url, port: port2, origin: origin2, keys, WebSocket, onCode, signal }) {
  const key = await keys.page();
  const pageNonce = crypto.getRandomValues(new Uint8Array(32));
  const rpc = new Rpc(plainChannel(await openSocket(url, [subprotocol], { WebSocket, signal })), () => {
  });
  try {
    const commitment = base64(await transcript("commitment", key.public, pageNonce));
    const offer = await rpc.call("pair.request", { name: app, commitment }, signal);
    const agentKey = fromBase64(offer.agentKey);
    const agentNonce = fromBase64(offer.agentNonce);
    if (!agentKey || agentNonce?.length !== pageNonce.length) throw notProved();
    const pairing = await transcript("pairing", utf8(origin2), agentKey, agentNonce, key.public, pageNonce);
    onCode?.({ code: await comparisonCode(pairing), seconds: questionSeconds });
    const reveal = { pageKey: base64(key.public), pageNonce: base64(pageNonce) };
    const { allowed, signature } = await rpc.call("pair.reveal", reveal, signal);
    if (!allowed) return false;
    if (!await verify(agentKey, pairing, fromBase64(signature) ?? new Uint8Array())) throw notProved();
    await keys.pin(port2, agentKey);
    return true;
  } finally {
    rpc.close(closed());
  }
}
function notProved() {
  return new PosternError("not_paired", "Postern did not prove its key, so nothing was remembered.", "Ask again. If this comes back, another program answers in its place.");
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
function thisBrowser(WebSocket = globalThis.WebSocket) {
  return {
    WebSocket,
    origin: globalThis.origin ?? "",
    secure: globalThis.isSecureContext ?? true,
    userAgent: globalThis.navigator?.userAgent ?? "",
    keys: browserKeys,
    answers,
    permission: queryPermission
  };
}
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
function pageDoor({ app, account, port: port2, browser }) {
  const { WebSocket, origin: origin2, secure, keys } = browser;
  const host = `127.0.0.1:${port2}`;
  const name = browserOf(browser.userAgent);
  const connect2 = (path, signal) => openSocket(`ws://${host}/${path}`, [subprotocol], { signal, WebSocket });
  const knock = async (signal) => (await connect2("pair", signal)).close();
  return {
    async open(signal) {
      const agentKey = secure ? await keys.agent(port2).catch(() => void 0) : void 0;
      if (!agentKey) {
        await knock(signal);
        throw new Ended("unpaired");
      }
      const key = await keys.page();
      const socket = await connect2("bridge", signal);
      signal.addEventListener("abort", () => socket.close());
      try {
        return await shakeHands(socket, { origin: origin2, account, key, agentKey });
      } catch (error) {
        socket.close();
        throw error;
      }
    },
    pair: (options) => askToBeAllowed({ ...options, app, url: `ws://${host}/pair`, port: port2, origin: origin2, keys, WebSocket }),
    help: (standing, vault) => helpText(standing, name, vault, secure),
    async diagnose({ pending, error }) {
      const why = error instanceof Ended ? error.why : "refused";
      if (why === "stranger") return { state: "not-paired", reason: "other-agent" };
      if (why === "unpaired") return notPaired2(keys, port2);
      if (why !== "refused") return { state: "not-reachable" };
      const permission2 = (await browser.permission())?.state ?? "unknown";
      const refused = !secure || error instanceof DOMException && error.name === "SecurityError";
      const facts = { permission: permission2, pending, refused, mayPair: false, listening: false };
      if (stateOf(facts) === "not-reachable") {
        facts.mayPair = await knock(AbortSignal.timeout(2e3)).then(
          () => true,
          () => false
        );
        facts.listening = facts.mayPair || await browser.answers(`http://${host}/`);
      }
      return facts.mayPair ? notPaired2(keys, port2) : { state: stateOf(facts) };
    },
    onPermission(changed) {
      void browser.permission().then((status) => status?.addEventListener("change", changed));
    }
  };
}
async function notPaired2(keys, port2) {
  const kept = await keys.agent(port2).then(
    () => true,
    () => false
  );
  return kept ? { state: "not-paired" } : { state: "not-paired", reason: "no-storage" };
}

// ../client/src/postern.ts
async function connect(options) {
  const { app, account = "default", port: port2 = 7678, WebSocket, browser = thisBrowser(WebSocket) } = options;
  return Postern.at(pageDoor({ app, account, port: port2, browser }));
}
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
    const postern2 = new _Postern(door);
    const looked = postern2.#looked.promise;
    postern2.#watch();
    void postern2.#run();
    await looked;
    return postern2;
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
    const attempt = new AbortController();
    const abandon = () => attempt.abort();
    this.#ending.signal.addEventListener("abort", abandon);
    let pending = false;
    const impatience = setTimeout(() => {
      pending = true;
      void this.#waited(attempt);
    }, slow);
    try {
      const channel = await this.#door.open(attempt.signal);
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
    const end = await rpc.ended;
    await this.#lost({ pending: false, error: end });
    return await told && end.why !== "broken";
  }
  /** A handshake takes long: tell why, and give up unless somebody may still permit it. */
  async #waited(attempt) {
    const standing = await this.#door.diagnose({ pending: true });
    if (this.#rpc || attempt.signal.aborted) return;
    if (standing.state === "permission-needed") this.#become(standing);
    else setTimeout(() => this.#rpc || attempt.abort(), tooSlow - slow);
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
  const promise = new Promise((done2) => resolve = done2);
  return { promise, resolve };
}

// ../client/test/socket.ts
var FakeSocket = class {
  constructor(url, protocols = []) {
    this.url = url;
    this.protocols = protocols;
  }
  url;
  protocols;
  OPEN = 1;
  readyState = 0;
  binaryType = "";
  onopen = () => {
  };
  onmessage = (_) => {
  };
  onclose = (_) => {
  };
  /** What the page sent, as it sent it. */
  sent = [];
  /** Gets what the page sends. */
  hear = (_) => {
  };
  get socket() {
    return this;
  }
  get path() {
    return new URL(this.url).pathname;
  }
  get over() {
    return this.readyState === 3;
  }
  open() {
    if (this.over) return;
    this.readyState = this.OPEN;
    this.onopen();
  }
  send(data) {
    if (this.readyState !== this.OPEN) return;
    this.sent.push(data);
    queueMicrotask(() => this.hear(data));
  }
  close() {
    this.end(1005);
  }
  /** The other side speaks. */
  deliver(data) {
    if (!this.over) this.onmessage({ data: typeof data === "string" ? data : data.slice().buffer });
  }
  /** Either side ends it. */
  end(code) {
    if (this.over) return;
    this.readyState = 3;
    queueMicrotask(() => this.onclose({ code }));
  }
};
function socketsFor(met) {
  class Socket extends FakeSocket {
    constructor(url, protocols) {
      super(url, protocols);
      queueMicrotask(() => met(this));
    }
  }
  return Socket;
}

// ../client/test/agent.ts
var suite = new CipherSuite({ kem: new DhkemP256HkdfSha256(), kdf: new HkdfSha256(), aead: new Aes256Gcm() });
var origin = "https://app.example.com";
async function newIdentity() {
  const { publicKey, privateKey } = await crypto.subtle.generateKey(ecdsa, false, ["sign", "verify"]);
  return {
    public: new Uint8Array(await crypto.subtle.exportKey("raw", publicKey)),
    sign: async (signed) => new Uint8Array(await crypto.subtle.sign(ecdsa, privateKey, signed))
  };
}
async function memoryKeys() {
  const page = await newIdentity();
  const agents = /* @__PURE__ */ new Map();
  return {
    page: async () => page,
    agent: async (port2) => agents.get(port2),
    pin: async (port2, key) => void agents.set(port2, key)
  };
}
var Link = class {
  constructor(socket, open, seal) {
    this.socket = socket;
    this.open = open;
    this.seal = seal;
  }
  socket;
  open;
  seal;
  /** The page's calls, opened. */
  calls = [];
  async tell(message) {
    this.socket.deliver(await this.seal(JSON.stringify({ jsonrpc: "2.0", ...message })));
  }
};
var SimulatedAgent = class _SimulatedAgent {
  constructor(identity) {
    this.identity = identity;
  }
  identity;
  /** Every socket that a page opened. */
  sockets = [];
  /** Every connection whose page proved its key. */
  links = [];
  /** The page keys that were allowed, in base64. */
  allowed = /* @__PURE__ */ new Set();
  /** The codes that the owner was asked to compare. */
  codes = [];
  accounts = [];
  /** Whether a page may knock at /pair, and at /bridge. */
  admits = { pair: true, bridge: true };
  vault = { state: "open", account: `${origin}#default`, secrets: 1, keyStored: true };
  /** The owner's answer to a question. */
  answer = () => true;
  methods = { "vault.status": () => this.vault };
  /** Makes the first frame of a connection. */
  hello = (channelKey) => this.signHello(channelKey);
  static async create() {
    return new _SimulatedAgent(await newIdentity());
  }
  /** A browser in which this agent is what answers on the port. */
  browser(keys, changes = {}) {
    return {
      WebSocket: socketsFor((socket) => void this.#meet(socket)),
      origin,
      secure: true,
      userAgent: globalThis.navigator?.userAgent ?? "",
      keys,
      answers: async () => this.admits.pair || this.admits.bridge,
      permission: async () => void 0,
      ...changes
    };
  }
  async signHello(channelKey) {
    const nonce = crypto.getRandomValues(new Uint8Array(32));
    const signature = await this.identity.sign(await transcript("hello", this.identity.public, channelKey, nonce));
    const parts = { agentKey: this.identity.public, channelKey, nonce, signature };
    return JSON.stringify(Object.fromEntries(Object.entries(parts).map(([name, bytes]) => [name, base64(bytes)])));
  }
  async #meet(socket) {
    this.sockets.push(socket);
    if (socket.path === "/pair" && this.admits.pair) return this.#pair(socket);
    if (socket.path === "/bridge" && this.admits.bridge) return this.#bridge(socket);
    socket.end(1006);
  }
  #pair(socket) {
    const agentNonce = crypto.getRandomValues(new Uint8Array(32));
    let commitment;
    const methods = {
      "pair.request": (params) => {
        commitment = fromBase64(params.commitment);
        return { agentKey: base64(this.identity.public), agentNonce: base64(agentNonce) };
      },
      "pair.reveal": async (params) => {
        const pageKey2 = fromBase64(params.pageKey);
        const pageNonce = fromBase64(params.pageNonce);
        if (!commitment || !equal(commitment, await transcript("commitment", pageKey2, pageNonce))) throw { message: "No.", data: { kind: "denied", fix: "" } };
        const pairing = await transcript("pairing", utf8(origin), this.identity.public, agentNonce, pageKey2, pageNonce);
        this.codes.push(await comparisonCode(pairing));
        if (!await this.answer()) return { allowed: false };
        this.allowed.add(params.pageKey);
        return { allowed: true, signature: base64(await this.identity.sign(pairing)) };
      }
    };
    socket.hear = (text) => void serve(methods, JSON.parse(text)).then((answer) => socket.deliver(JSON.stringify(answer)));
    socket.open();
  }
  async #bridge(socket) {
    const keys = await suite.kem.generateKeyPair();
    const hello = await this.hello(new Uint8Array(await suite.kem.serializePublicKey(keys.publicKey)));
    let link;
    socket.hear = (data) => {
      link = link ? link.then((link2) => link2 ? this.#call(link2, data) : void 0) : this.#prove(socket, keys, hello, data);
    };
    socket.open();
    await new Promise((resolve) => setTimeout(resolve));
    socket.deliver(hello);
  }
  /** Opens the page's first frame; undefined when the page is not let in. */
  async #prove(socket, recipientKey, hello, first2) {
    const enc = first2.slice(0, 65);
    const context = await suite.createRecipientContext({ recipientKey, enc, info: await transcript("channel", utf8(hello), utf8(origin)) });
    const open = async (sealed) => new TextDecoder().decode(await context.open(sealed));
    const { pageKey: pageKey2, account, signature } = JSON.parse(await open(first2.slice(65)));
    const signed = await transcript("proof", utf8(hello), enc, utf8(origin), utf8(account));
    const proved = await verify(fromBase64(pageKey2), signed, fromBase64(signature));
    if (!proved || !this.allowed.has(pageKey2)) {
      socket.end(proved ? 4401 : 4400);
      return void 0;
    }
    this.accounts.push(account);
    const exported = async (name, size) => new Uint8Array(await context.export(utf8(`postern/v1/agent ${name}`), size));
    const link = new Link(socket, open, await sealer(await exported("key", 32), await exported("nonce", 12)));
    this.links.push(link);
    return link;
  }
  async #call(link, sealed) {
    const call = JSON.parse((await link.open(sealed)).slice(1));
    link.calls.push(call);
    if (this.methods[call.method]) await link.tell(await serve(this.methods, call));
    return link;
  }
};
async function serve(methods, call) {
  try {
    return { jsonrpc: "2.0", id: call.id, result: await methods[call.method](call.params, call) };
  } catch (error) {
    return { jsonrpc: "2.0", id: call.id, error };
  }
}
async function sealer(key, base) {
  const aes = await crypto.subtle.importKey("raw", key, "AES-GCM", false, ["encrypt"]);
  let sent = 0;
  return async (text) => {
    const iv = base.slice();
    iv[11] ^= sent++;
    return new Uint8Array(await crypto.subtle.encrypt({ name: "AES-GCM", iv }, aes, concat2(Uint8Array.of(1), utf8(text))));
  };
}

// src/scenes.ts
var port = 7678;
var none = { pair: false, bridge: false };
var permission = (state) => async () => Object.assign(new EventTarget(), { state });
var scenes = {
  "not-reachable": (agent) => (agent.admits = none, {}),
  "blocked-by-browser": (agent) => (agent.admits = none, { permission: permission("denied") }),
  "permission-needed": () => ({ permission: permission("prompt"), WebSocket: socketsFor(() => {
  }) }),
  "not-allowed": (agent) => (agent.admits = none, { answers: async () => true }),
  "not-paired": (agent) => (agent.allowed.clear(), {}),
  "not-paired, another Postern": (agent) => (agent.hello = async (key) => (await SimulatedAgent.create()).signHello(key), {}),
  "locked": (agent) => (agent.vault.state = "locked", {}),
  "locked, no vault": (agent) => (agent.vault = { ...agent.vault, state: "none", secrets: 0, keyStored: false }, {}),
  "ready": () => ({})
};
async function play(scene) {
  const [agent, keys] = await Promise.all([SimulatedAgent.create(), memoryKeys()]);
  await keys.pin(port, agent.identity.public);
  agent.allowed.add(base64((await keys.page()).public));
  return connect({ app: "Playground", port, browser: agent.browser(keys, scene(agent)) });
}
function showEveryState(choices, stage) {
  const [state, help, values] = ["state", "help", "values"].map((part) => stage.querySelector(`#scene-${part}`));
  let chosen = 0;
  for (const [name, scene] of Object.entries(scenes)) {
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: name });
    button.onclick = async () => {
      const choice = ++chosen;
      for (const other of choices.children) other.setAttribute("aria-pressed", String(other === button));
      state.textContent = "connecting";
      help.textContent = values.textContent = "";
      stage.hidden = false;
      const postern2 = await play(scene);
      const { vault } = postern2;
      if (choice === chosen) {
        state.textContent = postern2.state;
        help.textContent = postern2.help;
        values.textContent = `postern.state  ${JSON.stringify(postern2.state)}
postern.vault  ${JSON.stringify(vault) ?? "undefined"}`;
      }
      postern2.close();
    };
    button.setAttribute("aria-pressed", "false");
    choices.append(button);
  }
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
function mark(id, done2) {
  $(id).toggleAttribute("data-done", done2);
}
async function connectNow() {
  input("connect").disabled = true;
  const { port: port2 } = await (await fetch("/agent")).json();
  postern = await connect({ app: "Playground", port: port2 });
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
function showCode(shown) {
  $("code").textContent = shown?.code ?? "";
  $("compare").hidden = !shown;
  $("allow-command").textContent = `postern app allow ${location.origin} --code ${shown?.code}`;
}
$("pair").onclick = () => step(async (postern2) => {
  $("paired").textContent = "";
  const allowed = await postern2.pair({ onCode: showCode }).finally(() => showCode());
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
showEveryState($("scenes"), $("scene"));
