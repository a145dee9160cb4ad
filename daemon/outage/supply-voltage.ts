import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { systemCode } from "../base/errors.ts";

/** The name of the Raspberry Pi firmware's sensor in the kernel (raspberrypi-hwmon). */
const sensorName = "rpi_volt";

/**
 * Whether the firmware sees less than 4.63 V at this moment; `null` where it does not tell.
 *
 * @param root where the kernel's devices are
 */
export function readUnderVoltage(root = "/sys"): boolean | null {
  const names = globSync(join(root, "class/hwmon/*/name"));
  const sensor = names.find((file) => textOf(file) === sensorName);
  const alarm = sensor === undefined ? null : textOf(join(dirname(sensor), "in0_lcrit_alarm"));
  return alarm === null ? null : alarm === "1";
}

/** What the kernel writes there; `null` for a file that is gone or cannot be asked. */
function textOf(file: string): string | null {
  try {
    return readFileSync(file, "utf8").trim();
  } catch (error) {
    if (systemCode(error) === null) throw error;
    return null;
  }
}
