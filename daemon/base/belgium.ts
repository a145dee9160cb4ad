/** The IANA zone of all Belgium. */
export const belgianZone = "Europe/Brussels";

/** Belgium's bounding box in WGS 84, rounded outwards to a tenth of a degree. */
export const belgium = { latitude: [49.4, 51.6], longitude: [2.5, 6.5] } as const;

export function inBelgium(latitude: number, longitude: number): boolean {
  const within = (value: number, [from, to]: readonly [number, number]): boolean => value >= from && value <= to;
  return within(latitude, belgium.latitude) && within(longitude, belgium.longitude);
}
