import { switching } from "./switch.ts";

export const on = () => switching(false);
