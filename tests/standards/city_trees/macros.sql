-- The city lies within this rectangle (degrees, WGS 84).
create or replace macro in_city(longitude, latitude) as longitude between 121.0 and 122.0 and latitude between 30.5 and 32.0;
create or replace macro parts(codes, separator) as string_split(codes, separator);
create or replace macro share_text(part, whole) as round(100.0 * part / nullif(whole, 0), 1) || ' %';
