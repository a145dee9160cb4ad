/**
 * The line of a sample as it lies on disk: its values alone, in the order of the line, with commas between them. Nearly
 * every record is a sample, and more than half of its line are the names that are the same in each. What leaves the box is
 * the line itself, and hashes are over that; a line that would not come back to the byte stays as it is.
 *
 *     7e2f3c1a-…,,all,running,ok,ok,ok,up,unknown,unknown,ok,ok,true,7,123456789,9b74c989…,12345,synchronised,1780000000000
 */
export function shortLine(line: string): string {
  const values = sampleLine.exec(line)?.slice(1).map(unquoted).join(",");
  return values !== undefined && wholeLine(values) === line ? values : line;
}

/** The line again; of what is no short form, the text itself. */
export function wholeLine(stored: string): string {
  const values = stored.split(",");
  if (stored.startsWith("{") || values.length !== valueCount) return stored;
  const [boot, cause, anchors, box, dns, firstHop, lan, link, otherChannel, power, service, token, ...others] = values;
  const [whole, err, mono, p, seq, state, wall] = others;
  const causeText = cause === "" ? "null" : `"${cause}"`;
  const near = `"anchors":"${anchors}","box":"${box}","dns":"${dns}","firstHop":"${firstHop}","lan":"${lan}","link":"${link}"`;
  const far = `"otherChannel":"${otherChannel}","power":"${power}","service":"${service}","token":"${token}"`;
  const data = `{"cause":${causeText},"layers":{${near},${far}},"whole":${whole}}`;
  const place = `"err":${err === "" ? "null" : err},"kind":"sample","mono":${mono},"p":"${p}","seq":${seq}`;
  return `{"boot":"${boot}","data":${data},${place},"state":"${state}","v":1,"wall":${wall}}`;
}

const valueCount = 19;
const word = '"([A-Za-z-]+)"';
const layers = ["anchors", "box", "dns", "firstHop", "lan", "link", "otherChannel", "power", "service", "token"];

/** RFC 8785 puts names in this order. */
const sampleLine = new RegExp(
  [
    '^{"boot":"([0-9a-f-]+)","data":{"cause":(null|"[a-z-]+"),"layers":{',
    layers.map((name) => `"${name}":${word}`).join(","),
    '},"whole":(true|false)},"err":(null|[0-9]+),"kind":"sample","mono":([0-9]+),"p":"([0-9a-f]{64})",',
    `"seq":([0-9]+),"state":${word},"v":1,"wall":([0-9]+)}$`,
  ].join(""),
);

function unquoted(value: string): string {
  if (value === "null") return "";
  return value.startsWith('"') ? value.slice(1, -1) : value;
}
