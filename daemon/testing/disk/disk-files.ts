import { join } from "node:path";
import { diskFileName } from "./one-file-system.ts";

/** Where a test disk keeps its things, all in the one folder that it made for itself. */
export interface DiskFiles {
  readonly directory: string;
  /** The file system just made, before its first mount: position 0 of the log. */
  readonly blankImage: string;
  /** What the disk holds now, cache included. */
  readonly currentImage: string;
  readonly logIndex: string;
  readonly logData: string;
  readonly fuseMount: string;
  /** The one file in the FUSE mount. */
  readonly fuseDisk: string;
  readonly liveMount: string;
  readonly cutImage: string;
  readonly cutMount: string;
}

export function diskFilesIn(directory: string): DiskFiles {
  const fuseMount = join(directory, "fuse");
  return {
    directory,
    blankImage: join(directory, "blank.img"),
    currentImage: join(directory, "current.img"),
    logIndex: join(directory, "log.index"),
    logData: join(directory, "log.data"),
    fuseMount,
    fuseDisk: join(fuseMount, diskFileName),
    liveMount: join(directory, "live"),
    cutImage: join(directory, "cut.img"),
    cutMount: join(directory, "cut"),
  };
}
