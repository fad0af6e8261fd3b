// The Playground listens on every address of the machine and has no option for that. Nobody logs
// in to the demo, so whatever Node opens for it is bound to the loopback address here.
const net = require("net");

const listen = net.Server.prototype.listen;

net.Server.prototype.listen = function (port, ...rest) {
  if (typeof port !== "number" && !/^[0-9]+$/.test(port)) return listen.call(this, port, ...rest);
  const callback = rest.filter((one) => typeof one === "function");
  return listen.call(this, Number(port), "127.0.0.1", ...callback);
};
