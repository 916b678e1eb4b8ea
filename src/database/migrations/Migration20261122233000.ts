import { Migration } from '@mikro-orm/migrations';

/** What front ends want to know of an image: placeholder, transparency, colour, and what a crop keeps in sight. */
export class Migration20261122233000 extends Migration {
  override up(): void {
    this.addSql(`
      alter table media_assets
        add column has_alpha boolean null,
        add column placeholder text null,
        add column dominant_color text null,
        add column focus_x double precision null,
        add column focus_y double precision null`);
    // Of images that are there already only the type is known here: a grey ThumbHash, and an alpha channel wherever there may be one.
    this.addSql(`
      update media_assets set has_alpha = mime_type <> 'image/jpeg', placeholder = '${grey}' where kind = 'IMAGE'`);
  }

  override down(): void {
    this.addSql(`
      alter table media_assets drop column has_alpha, drop column placeholder, drop column dominant_color, drop column focus_x,
        drop column focus_y`);
  }
}

/** ThumbHash of one grey square. */
const grey = 'IAgCBwBqeSx3eIeHePh3N4h4BQAAAAAA';
