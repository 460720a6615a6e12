// Live captions of both sides, from the transcription streams that the agents publish.
const TOPIC = "lk.transcription";

export class Captions {
  constructor(list, nameOf) {
    this.list = list;
    this.nameOf = nameOf;
    this.lines = new Map();
  }

  clear() {
    this.list.replaceChildren();
    this.lines.clear();
  }

  follow(room) {
    room.registerTextStreamHandler(TOPIC, async (reader, { identity }) => {
      const attributes = reader.info.attributes ?? {};
      const own = [...room.localParticipant.trackPublications.values()].map((one) => one.trackSid);
      const isYou = identity === room.localParticipant.identity || own.includes(attributes["lk.transcribed_track_id"]);
      // Words come to the end of a stream under one segment; the caller's come again as they are understood better.
      const key = attributes["lk.segment_id"] ?? reader.info.id;
      let text = "";
      try {
        for await (const piece of reader) this.write(key, (text += piece), isYou, identity);
      } catch {
        // The sender left in the middle of it: what came is what was said.
      }
    });
  }

  write(key, text, isYou, identity) {
    if (!text.trim()) return;
    let line = this.lines.get(key);
    if (!line) {
      const item = document.createElement("p");
      item.className = isYou ? "you" : "agent";
      const name = document.createElement("b");
      name.textContent = isYou ? "You" : this.nameOf(identity);
      line = document.createElement("span");
      item.append(name, line);
      this.lines.set(key, line);
      this.list.append(item);
    }
    line.textContent = text;
    this.list.scrollTop = this.list.scrollHeight;
  }

  note(text) {
    const item = document.createElement("p");
    item.className = "change";
    item.textContent = text;
    this.list.append(item);
    this.list.scrollTop = this.list.scrollHeight;
  }
}
