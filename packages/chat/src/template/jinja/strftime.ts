const days = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const months = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
];

/** Python's `strftime` in English and in the local time zone. A directive that is not known stays as it is. */
export function strftime(date: Date, format: string): string {
  return format.replace(/%(-?)([A-Za-z%])/g, (all, plain: string, kind: string) => {
    const found = directive(date, kind);
    if (found === undefined) return all;
    return plain ? found.replace(/^[0 ]+(?=.)/, "") : found;
  });
}

function directive(date: Date, kind: string): string | undefined {
  const two = (value: number) => String(value).padStart(2, "0");
  const day = days[date.getDay()] ?? "";
  const month = months[date.getMonth()] ?? "";
  const hour = date.getHours();
  switch (kind) {
    case "Y":
      return String(date.getFullYear());
    case "y":
      return two(date.getFullYear() % 100);
    case "m":
      return two(date.getMonth() + 1);
    case "B":
      return month;
    case "b":
    case "h":
      return month.slice(0, 3);
    case "d":
      return two(date.getDate());
    case "e":
      return String(date.getDate()).padStart(2, " ");
    case "j":
      return String(dayOfYear(date)).padStart(3, "0");
    case "A":
      return day;
    case "a":
      return day.slice(0, 3);
    case "w":
      return String(date.getDay());
    case "H":
      return two(hour);
    case "I":
      return two(hour % 12 || 12);
    case "p":
      return hour < 12 ? "AM" : "PM";
    case "M":
      return two(date.getMinutes());
    case "S":
      return two(date.getSeconds());
    case "f":
      return `${String(date.getMilliseconds()).padStart(3, "0")}000`;
    case "F":
      return strftime(date, "%Y-%m-%d");
    case "T":
      return strftime(date, "%H:%M:%S");
    case "D":
      return strftime(date, "%m/%d/%y");
    case "z":
    case "Z":
      return ""; // datetime.now() has no time zone
    case "%":
      return "%";
    default:
      return undefined;
  }
}

function dayOfYear(date: Date): number {
  const start = Date.UTC(date.getFullYear(), 0, 1);
  return (Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) - start) / 86_400_000 + 1;
}
