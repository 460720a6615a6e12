// Who is to be called back: what is due, what is known of it, and whose it is. It is called by a telephone of one's own.
import { made, row, showChoices } from "./desk_views.js";

const [MINUTE, HOUR, DAY] = [60, 3600, 86400];

const lateness = (seconds) => {
  const [size, unit] = seconds < HOUR ? [MINUTE, "min"] : seconds < 2 * DAY ? [HOUR, "h"] : [DAY, "days"];
  return seconds < MINUTE ? "now" : `${Math.floor(seconds / size)} ${unit} ago`;
};

const calling = ({ is_mine, claimed_by }) => (is_mine ? ", you are calling" : claimed_by && `, ${claimed_by} is calling`);

export class DeskCallbacks {
  constructor({ at, ask, tell, onOpen, onDone }) {
    Object.assign(this, { at, ask, tell, onOpen, onDone, looked: null, owner: null });
    at("claim").addEventListener("click", () => this.does("claim", "called"));
    at("called").addEventListener("click", () => this.does("called"));
    at("let-go").addEventListener("click", () => this.does("let-go", "claim"));
  }

  get isOpen() {
    return this.looked !== null;
  }

  isLooked(one) {
    return this.looked?.ticket_id === one.ticket_id && this.looked?.call_id === one.call_id;
  }

  // What the heartbeat told. One that somebody else has done is gone from the page as well.
  show(due) {
    const { at } = this;
    at("none-due").hidden = due.length > 0;
    showChoices(at("callbacks"), due.map((one) => ({
      id: `${one.ticket_id} ${one.call_id}`,
      title: `${one.ticket_id}, ${one.about}`,
      line: `due ${lateness(one.late_seconds)}${calling(one)}`,
      isCurrent: this.isLooked(one),
      choose: () => this.open(one),
    })));
    const now = due.find((one) => this.isLooked(one));
    if (now) this.owned(now);
    else if (this.isOpen) this.close();
  }

  async open({ ticket_id, call_id }) {
    const mine = this.looked = { ticket_id, call_id };
    this.onOpen();
    try {
      const told = await this.ask("callback", mine);
      if (this.looked === mine) this.tells(told);
    } catch (error) {
      this.fails(error);
    }
  }

  close() {
    this.looked = null;
    this.at("callback").hidden = true;
  }

  tells(told) {
    const { at } = this;
    at("ticket").textContent = told.caller ? `${told.ticket_id}: ${told.caller}` : told.ticket_id;
    at("callback-summary").textContent = told.summary || "The call's record is not kept any more: the ticket is all there is.";
    at("callback-facts").replaceChildren();
    const facts = at("callback-facts");
    row(facts, "due", `${new Date(told.due_at * 1000).toLocaleString()} (${lateness(told.late_seconds)})`);
    row(facts, "for", told.about);
    row(facts, "because", told.reason);
    row(facts, "called from", told.channel);
    row(facts, "number", told.number || (told.channel === "phone" ? "in your telephone system's list of calls" : "none: he called from a web page"));
    row(facts, "call", told.call_id);
    this.owner = made("dd", "");
    facts.append(made("dt", "who calls"), this.owner);
    this.owned(told);
    at("callback").hidden = false;
    at("ticket").focus();
  }

  owned(one) {
    const { at } = this;
    if (this.owner) this.owner.textContent = one.is_mine ? "you" : one.claimed_by || "nobody yet";
    at("claim").hidden = Boolean(one.is_mine || one.claimed_by);
    at("called").hidden = at("let-go").hidden = !one.is_mine;
  }

  // Who was on the button that is gone now is on the one that took its place.
  async does(what, next = "") {
    const mine = this.looked;
    this.tell(null);
    try {
      await this.ask(what, mine);
      if (this.looked !== mine) return;
      if (!next) {
        this.close();
        this.onDone();
        return;
      }
      // Whose it is sees the whole number, and nobody else.
      const told = await this.ask("callback", mine);
      if (this.looked !== mine) return;
      this.tells(told);
      this.at(next).focus();
    } catch (error) {
      this.fails(error);
    }
  }

  fails(error) {
    this.tell(error);
    if (error.code === "gone") this.close();
  }
}
