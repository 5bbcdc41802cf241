-- Words that several rules share. Each statement ends with ";" at the end of a line.
create or replace macro is_institution(source_kind) as coalesce(source_kind, 'institution') = 'institution';
create or replace macro is_institution_sale(source_kind, notice_type) as
    is_institution(source_kind) and coalesce(notice_type in ('ZR', 'RE'), false);
create or replace macro is_personal(asset_type) as coalesce(parent_asset_type(asset_type) = 'batch_personal', false);

-- A printed amount's value in CNY and half of its last printed place: 9.88亿 is 988000000 within 500000.
create or replace macro unit_of(printed) as
    case when contains(printed, '亿') then 100000000::decimal(18, 0)
         when contains(printed, '万') then 10000::decimal(18, 0)
         when regexp_matches(printed, '[0-9]\s*(?i:bn|billion)$') then 1000000000::decimal(18, 0)
         when regexp_matches(printed, '[0-9]\s*(?i:m|million)$') then 1000000::decimal(18, 0)
         else 1::decimal(18, 0) end;
create or replace macro printed_number(printed) as regexp_extract(replace(printed, ',', ''), '-?[0-9]+(?:\.[0-9]+)?');
create or replace macro printed_amount(amounts, field) as
    nullif(regexp_extract(amounts, '(?:^|;)\s*' || field || '=([^;]+)', 1), '');
-- The lambda has the print worked out once: as the argument of a macro it would be planned for each of its five places.
create or replace macro half_place(printed) as
    list_transform([printed], lambda once: unit_of(once)::double * 0.5 / pow(10, length(split_part(printed_number(once), '.', 2))))[1];
-- How far a printed amount may stand from the true one: 0 when exact, half its last place when rounded.
create or replace macro rounding(amount_precision, amounts, field) as
    case when coalesce(amount_precision, 'exact') = 'exact' then 0.0
         else coalesce(half_place(printed_amount(amounts, field)), 0.0) end;

-- "损失411笔;次级340笔": labels, counts, and their sum. Anything that is not wholly counted ("余未印", "全部", "过半") has no sum.
create or replace macro state_parts(states) as
    list_filter(list_transform(string_split_regex(regexp_replace(states, '[（(][^）)]*[）)]', '', 'g'), '[;；,，、]'), lambda part: trim(part)), lambda part: part <> '');
create or replace macro state_label(part) as regexp_replace(regexp_replace(part, '\s*[0-9].*$', ''), '(?:笔|户)$', '');
create or replace macro state_count(part) as try_cast(regexp_extract(part, '([0-9]+)\s*笔?(?:/[0-9]+户)?$', 1) as bigint);
create or replace macro is_fully_counted(states) as
    len(state_parts(states)) > 0 and not regexp_matches(states, '全部|未印|过半|余')
    and len(list_filter(state_parts(states), lambda part: state_count(part) is null)) = 0;
create or replace macro state_total(states) as
    case when is_fully_counted(states) then list_sum(list_transform(state_parts(states), lambda part: state_count(part)))::bigint end;
-- Names a text of states whose loans are not counted in full, else null.
create or replace macro lacks_counts(field, states) as
    case when states is not null and not is_fully_counted(states) then field || ' = ' || states end;
create or replace macro state_labels(states) as list_transform(state_parts(states), lambda part: state_label(part));

-- Names are compared without spaces and with half-width brackets.
create or replace macro normal_name(name) as regexp_replace(replace(replace(name, '（', '('), '）', ')'), '[\s\x{A0}\x{3000}]', '', 'g');
create or replace macro is_in_force(valid_from, valid_to, day) as
    coalesce(day >= valid_from, true) and coalesce(day <= valid_to, true);

-- Without the characters that nobody sees: soft hyphen, zero-width spaces and joiners, byte order mark, marks of direction.
-- None of them is ASCII, and a text with as many bytes as characters is: that is seen many times quicker.
create or replace macro visible_text(cell) as case when strlen(cell) = length(cell) then cell else
    regexp_replace(cell, '[\x{AD}\x{61C}\x{200B}-\x{200F}\x{202A}-\x{202E}\x{2060}\x{2066}-\x{2069}\x{FEFF}]', '', 'g') end;

-- Identifiers. Each is null for null and false for whatever is not of its form; written out place by place, which takes
-- less time than a lambda over places. tests/unit/test_identifiers.py holds them to the vectors and python-stdnum.
-- Unified social credit code (GB 32100-2015): two signs, the six digits of an administrative division, nine signs; the
-- 18th follows from the first 17. The letters I, O, S, V, Z are never used.
create or replace macro uscc_signs() as '0123456789ABCDEFGHJKLMNPQRTUWXY';
create or replace macro uscc_part(code, place, weight) as (strpos(uscc_signs(), substr(code, place, 1)) - 1) * weight;
create or replace macro uscc_sum(code) as
    uscc_part(code, 1, 1) + uscc_part(code, 2, 3) + uscc_part(code, 3, 9) + uscc_part(code, 4, 27) + uscc_part(code, 5, 19)
    + uscc_part(code, 6, 26) + uscc_part(code, 7, 16) + uscc_part(code, 8, 17) + uscc_part(code, 9, 20) + uscc_part(code, 10, 29)
    + uscc_part(code, 11, 25) + uscc_part(code, 12, 13) + uscc_part(code, 13, 8) + uscc_part(code, 14, 24) + uscc_part(code, 15, 10)
    + uscc_part(code, 16, 30) + uscc_part(code, 17, 28);
create or replace macro uscc_check_character(code) as
    case when regexp_matches(code, '^[0-9A-HJ-NPQRTUWXY]{2}[0-9]{6}[0-9A-HJ-NPQRTUWXY]{9}')
         then substr(uscc_signs(), (31 - uscc_sum(code) % 31) % 31 + 1, 1) end;
create or replace macro is_valid_uscc(code) as
    regexp_full_match(code, '[0-9A-HJ-NPQRTUWXY]{2}[0-9]{6}[0-9A-HJ-NPQRTUWXY]{10}')
    and (uscc_sum(code) + uscc_part(code, 18, 1)) % 31 = 0;
-- Legal entity identifier (ISO 17442): a letter counts 10 to 35, and the number so written is 1 modulo 97 (ISO 7064).
-- Its 18 free places make 36 digits at most, and two check digits: 38, which a HUGEINT holds.
create or replace macro a_to_m_as_digits(code) as
    replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(code
        , 'A', '10'), 'B', '11'), 'C', '12'), 'D', '13'), 'E', '14'), 'F', '15'), 'G', '16')
        , 'H', '17'), 'I', '18'), 'J', '19'), 'K', '20'), 'L', '21'), 'M', '22');
create or replace macro n_to_z_as_digits(code) as
    replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(code
        , 'N', '23'), 'O', '24'), 'P', '25'), 'Q', '26'), 'R', '27'), 'S', '28'), 'T', '29')
        , 'U', '30'), 'V', '31'), 'W', '32'), 'X', '33'), 'Y', '34'), 'Z', '35');
create or replace macro is_valid_lei(code) as
    regexp_full_match(code, '[0-9A-Z]{18}[0-9]{2}')
    and try_cast(a_to_m_as_digits(n_to_z_as_digits(code)) as hugeint) % 97 = 1;
-- Dates as ISO 8601 writes them, which the calendar has.
create or replace macro is_iso_date(written) as
    case when written is not null then regexp_full_match(written, '[0-9]{4}-[0-9]{2}-[0-9]{2}') and written >= '0001'
    and try_cast(written as date) is not null end;
-- Resident id (GB 11643-1999): division, birth date, order, check character (X is a capital). The division is not judged:
-- people keep the code of a county that was renamed since, or did not exist yet when they were born.
create or replace macro digit_part(code, place, weight) as (ascii(substr(code, place, 1)) - 48) * weight;
create or replace macro resident_id_sum(code) as
    digit_part(code, 1, 7) + digit_part(code, 2, 9) + digit_part(code, 3, 10) + digit_part(code, 4, 5) + digit_part(code, 5, 8)
    + digit_part(code, 6, 4) + digit_part(code, 7, 2) + digit_part(code, 8, 1) + digit_part(code, 9, 6) + digit_part(code, 10, 3)
    + digit_part(code, 11, 7) + digit_part(code, 12, 9) + digit_part(code, 13, 10) + digit_part(code, 14, 5) + digit_part(code, 15, 8)
    + digit_part(code, 16, 4) + digit_part(code, 17, 2);
create or replace macro resident_id_check_character(code) as
    case when regexp_matches(code, '^[0-9]{17}') then substr('10X98765432', resident_id_sum(code) % 11 + 1, 1) end;
create or replace macro is_valid_resident_id(code) as
    case when code is not null then regexp_full_match(code, '[0-9]{17}[0-9X]')
    and strpos('10X98765432', substr(code, 18, 1)) - 1 = resident_id_sum(code) % 11
    and try_cast(substr(code, 7, 4) || '-' || substr(code, 11, 2) || '-' || substr(code, 13, 2) as date) is not null end;
-- The code itself, not one of its other spellings: a province of GB/T 2260, a section of GB/T 4754.
create or replace macro is_province_code(code) as case when code is not null then coalesce(code_province(code) = code, false) end;
create or replace macro is_industry_section(code) as case when code is not null then coalesce(code_industry(code) = code, false) end;

-- Transfers: who filed the row, and what a price is measured against.
create or replace macro filing_party(filer_side, seller_name, buyer_name) as
    case filer_side when 'seller' then normal_name(seller_name) when 'buyer' then normal_name(buyer_name) else filer_side end;
create or replace macro sold_principal_interest(principal, interest, principal_interest) as coalesce(principal_interest, principal + interest);
create or replace macro denominator_of(kind, principal, interest, principal_interest, fees, claim) as
    case kind when 'P' then principal
              when 'PI' then sold_principal_interest(principal, interest, principal_interest)
              when 'PIF' then coalesce(sold_principal_interest(principal, interest, principal_interest) + fees, claim) end;
create or replace macro denominator_rounding(kind, amount_precision, amounts) as
    rounding(amount_precision, amounts, 'principal_cny')
    + case when kind = 'P' then 0.0
           else rounding(amount_precision, amounts, 'interest_cny') + rounding(amount_precision, amounts, 'principal_interest_cny') end
    + case when kind = 'PIF' then rounding(amount_precision, amounts, 'other_fees_cny') + rounding(amount_precision, amounts, 'claim_total_cny')
           else 0.0 end;
-- A price below 0.05 % of the claim or above three times the claim is hardly a price in CNY.
create or replace macro is_plausible_price(price, claim) as price / nullif(claim, 0) between 0.0005 and 3;
create or replace macro percent_text(part, whole) as round(100.0 * part / nullif(whole, 0), 4) || ' %';

-- A date known only by its month or year may be any day up to this one.
create or replace macro latest_day(day, day_precision) as
    case day_precision when 'month' then last_day(day) when 'year' then make_date(year(day), 12, 31) else day end;
create or replace macro is_in_force_on(valid_from, valid_to, day, day_precision) as
    coalesce(valid_from <= latest_day(day, day_precision), true) and coalesce(valid_to >= day, true);
-- Like rounding(), but null when a rounded amount's print was not filed: such a tie can't be judged.
create or replace macro printed_rounding(amount_precision, amounts, field) as
    case when coalesce(amount_precision, 'exact') = 'exact' then 0.0
         else half_place(printed_amount(amounts, field)) end;
create or replace macro printed_value(printed) as
    try_cast(printed_number(printed) as decimal(20, 6)) * unit_of(printed);
-- These name what is wrong with one amount, and are null when nothing is: concat_ws gathers them.
create or replace macro below_zero(field, amount) as case when amount < 0 then field || ' = ' || amount end;
create or replace macro below_one(field, amount) as case when amount < 1 then field || ' = ' || amount end;
create or replace macro under_hundred(field, amount) as case when amount > 0 and amount < 100 then field || ' = ' || amount end;
create or replace macro prints_otherwise(field, amount, amounts) as
    case when printed_value(printed_amount(amounts, field)) <> amount
         then field || ' = ' || amount || ' / ' || printed_amount(amounts, field) end;
create or replace macro lacks_print(field, amount, amounts) as
    case when amount is not null and printed_amount(amounts, field) is null then field end;
-- What a package is worth on paper: principal and interest where printed, else the nearest figure that was.
create or replace macro claim_of(principal_interest, claim_total, principal, interest) as
    coalesce(principal_interest, claim_total, principal + interest);
create or replace macro title_year(title) as nullif(regexp_extract(title, '(20[0-9]{2})年第[0-9]+期', 1), '');
create or replace macro title_issue(title) as nullif(regexp_extract(title, '20[0-9]{2}年第0*([0-9]+)期', 1), '');
-- Teaser, sale notice, re-listing, result: the order in which a package's notices appear.
create or replace macro notice_stage(notice_type) as list_position(['ZS', 'ZR', 'RE', 'JG'], notice_type);

-- Recovery and compliance: what a month cost, who may be named, what a history lets expect.
create or replace macro recovery_cost(tax, lawyer, enforcement, agency, other) as
    coalesce(tax, 0) + coalesce(lawyer, 0) + coalesce(enforcement, 0) + coalesce(agency, 0) + coalesce(other, 0);
create or replace macro month_before(day) as (day - interval 1 month)::date;
create or replace macro names_institution(name) as
    regexp_matches(name, '公司|事务所|企业|合伙|银行|分行|支行|集团|中心|协会|学会|委员会|机构|基金|[厂院所社局]$|(?i:co\.|ltd|llp|inc)');
create or replace macro is_placeholder(cell) as
    regexp_full_match(trim(cell), '(?i)无|暂无|没有|不详|未知|待补|待定|办理中|申请中|备案中|未登记|未备案|n/?a|none|null|tbd|[-—/.xX*0０]+');
create or replace macro is_calendar_period(first_day, final_day) as
    final_day = last_day(final_day)
    and (first_day = date_trunc('month', final_day)
         or (first_day = date_trunc('quarter', final_day) and month(final_day) % 3 = 0));
create or replace macro range_text(low, high) as round(low, 2) || ' ~ ' || round(high, 2);
-- A cell that holds something (zero is nothing) in a row whose item has no use for it: its name, else null.
create or replace macro stray_cell(field, is_filled, belongs) as case when is_filled and not belongs then field end;

-- Loans and collateral. A key has no digit, so that it can be neither mistaken for a real number nor hide one.
create or replace macro is_pseudonym(pseudonym) as regexp_full_match(pseudonym, '[a-p]{32}');
create or replace macro looks_like_real_number(pseudonym) as
    case when is_pseudonym(pseudonym) then false else regexp_matches(pseudonym, '[0-9]([ -]?[0-9]){5}') end;
-- A cell that lists several codes or names: its parts, and the codes that they mean (null where unknown).
create or replace macro listed(cell) as
    list_filter(list_transform(string_split_regex(cell, '[;；,，、]'), lambda part: trim(part)), lambda part: part <> '');
create or replace macro defect_codes(cell) as
    case when cell = '无' then ['NONE'] else list_transform(listed(cell), lambda part: code_defect(part)) end;
create or replace macro has_defect(cell, wanted) as
    case when cell = '无' then false else list_contains(defect_codes(cell), wanted) end;
create or replace macro has_defect_of(cell, wanted_group) as
    case when cell = '无' then false
         else list_contains(list_transform(defect_codes(cell), lambda each_defect: parent_defect(each_defect)), wanted_group) end;
create or replace macro encumbrance_codes(cell) as
    case when cell = '无' then ['NONE'] else list_transform(listed(cell), lambda part: code_encumbrance(part)) end;
create or replace macro is_personal_product(product) as coalesce(parent_loan_product(product) = 'personal', false);
-- A loan's rounded amounts are whole yuan: half a yuan for each of them.
create or replace macro loan_rounding(amount_precision, amounts) as
    case when coalesce(amount_precision, 'exact') = 'exact' then 0.0 else 0.5 * amounts end;
-- These name a date that lies on the wrong side of another, and are null when it does not.
create or replace macro later_than(label, day, other_day) as case when day > other_day then label || ' ' || day end;
create or replace macro earlier_than(label, day, other_day) as case when day < other_day then label || ' ' || day end;
create or replace macro not_after(label, day, other_day) as case when day <= other_day then label || ' ' || day end;
-- Where a figure is expected, from earlier ones: their range, widened by half of itself or by a margin, whichever is more.
create or replace macro usual_low(earlier_values, margin) as
    list_min(earlier_values) - greatest(margin, (list_max(earlier_values) - list_min(earlier_values)) / 2);
create or replace macro usual_high(earlier_values, margin) as
    list_max(earlier_values) + greatest(margin, (list_max(earlier_values) - list_min(earlier_values)) / 2);
-- The median of numbers of which each stands so many times, as median() gives it of the single numbers.
create or replace macro at_place(counted, place) as
    list_reduce(counted, lambda reached, each: case when reached.times >= place then reached
    else {'value': each.value, 'times': reached.times + each.times} end, {'value': null::bigint, 'times': 0::bigint}).value;
create or replace macro middle_of(counted, told) as (at_place(counted, (told + 1) // 2) + at_place(counted, told // 2 + 1)) / 2;
create or replace macro median_of(number, times) as
    middle_of(list({'value': number::bigint, 'times': times::bigint} order by number) filter (where number is not null),
    (sum(times) filter (where number is not null))::bigint);
-- The code of an age band is its lower end; the middle of ten years.
create or replace macro age_of_band(band) as try_cast(substr(band, 2) as integer) + 5;

-- Suggestions: only what is proved by the cell itself or by other figures of the same row. Anything less is null.
-- The one value of a list that is not null; null when there are several different ones.
create or replace macro the_only(found) as
    case when len(list_distinct(list_filter(found, lambda each: each is not null))) = 1
         then list_filter(found, lambda each: each is not null)[1] end;
create or replace macro ascii_text(cell) as
    translate(cell, '０１２３４５６７８９．，－＋％／：；', '0123456789.,-+%/:;');
-- 66,369,783.05 or 6637万元 or 756笔 or 1E+05, in plain digits: text that the field's type then takes or refuses. A unit
-- after the digits is one that the fields have. Spreadsheets round to six digits in exponent form, so that six or more
-- prove nothing. Percent is meant where a field has the places of a ratio.
create or replace macro plain_number(number) as regexp_replace(regexp_replace(number::varchar, '(\.[0-9]*?)0+$', '\1'), '\.$', '');
create or replace macro number_meant(cell, kind) as
    case when regexp_full_match(ascii_text(cell), '-?([0-9]{1,3}([, ][0-9]{3})+|[0-9]+)(\.[0-9]+)?\s*(元|笔|户|天|日|岁|次|件|人|个|套)?')
         then regexp_replace(regexp_extract(replace(replace(ascii_text(cell), ',', ''), ' ', ''), '^-?[0-9.]+'),
                             case when kind = 'BIGINT' then '\.0+$' else '$' end, '')
         when regexp_full_match(ascii_text(cell), '-?([0-9]{1,3}(,[0-9]{3})+|[0-9]+)(\.[0-9]+)?\s*[万亿]元?') and contains(kind, ',2)')
         then plain_number(try_cast(regexp_extract(replace(ascii_text(cell), ',', ''), '^-?[0-9.]+') as decimal(24, 8))
                           * case when contains(cell, '亿') then 100000000 else 10000 end)
         when regexp_full_match(ascii_text(cell), '-?[0-9](\.[0-9]{1,4})?[Ee]\+?[0-9]{1,2}')
              and length(regexp_extract(ascii_text(cell), '\.([0-9]+)', 1)) <= regexp_extract(ascii_text(cell), '[Ee]\+?([0-9]+)$', 1)::integer
         then try_cast(try_cast(ascii_text(cell) as decimal(30, 4)) as decimal(26, 0))::varchar
         when regexp_full_match(ascii_text(cell), '-?[0-9]+(\.[0-9]+)?\s*%') and contains(kind, ',6)')
         then plain_number(try_cast(regexp_extract(ascii_text(cell), '^-?[0-9.]+') as decimal(18, 8)) * 0.01) end;
-- 2025/1/7, 2025年1月7日 17:00, 20250107, or a spreadsheet's count of days since 1899-12-30, from 1990 to 2060.
create or replace macro dashed_date(cell) as
    regexp_replace(regexp_replace(regexp_replace(trim(ascii_text(cell)), '\s*[年月/.]\s*', '-', 'g'), '日\s*', ' '), '\s+$', '');
create or replace macro date_meant(cell) as
    case when regexp_full_match(dashed_date(cell), '[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([ T]00:00(:00(\.0+)?)?)?')
         then try_strptime(regexp_extract(dashed_date(cell), '^[0-9-]+'), '%Y-%m-%d')::date::varchar
         when regexp_full_match(dashed_date(cell), '[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}[ T][0-9]{1,2}:[0-9]{2}(:[0-9]{2})?')
         then try_strptime(replace(dashed_date(cell), 'T', ' '), ['%Y-%m-%d %H:%M:%S', '%Y-%m-%d %H:%M'])::timestamp::varchar
         when regexp_full_match(ascii_text(cell), '[0-9]{8}')
         then try_strptime(ascii_text(cell), '%Y%m%d')::date::varchar
         when regexp_full_match(ascii_text(cell), '[0-9]{5}(\.0+)?')
              and left(ascii_text(cell), 5)::integer between 32874 and 58804
         then (date '1899-12-30' + left(ascii_text(cell), 5)::integer)::varchar end;
create or replace macro boolean_meant(cell) as
    case lower(ascii_text(cell)) when 'yes' then '是' when '√' then '是' when '✓' then '是' when 'ｙ' then '是'
                                 when 'no' then '否' when 'ｎ' then '否' end;
create or replace macro typed_meant(cell, kind) as
    case when kind in ('DATE', 'TIMESTAMP') then date_meant(cell)
         when kind = 'BOOLEAN' then boolean_meant(cell) else number_meant(cell, kind) end;
-- A code's spelling but for letter case, blanks, full-width signs or leading zeros, which spreadsheets drop.
create or replace macro folded_spelling(spelling) as
    ltrim(lower(translate(regexp_replace(spelling, '[\s\x{A0}\x{3000}]', '', 'g'),
        '０１２３４５６７８９（）－ＡＢＣＤＥＦＧＨＩＪＫＬＭＮＯＰＱＲＳＴＵＶＷＸＹＺ', '0123456789()-ABCDEFGHIJKLMNOPQRSTUVWXYZ')), '0');
create or replace macro spelling_meant(cell, spellings) as
    the_only(list_filter(spellings, lambda spelling: folded_spelling(spelling) = folded_spelling(cell) and spelling <> '0'));
-- A figure ten thousand or a hundred million times off what the rest of the row makes it. Of a figure that was cut to
-- its last hundredth in the bigger unit at least four digits must be there, and agree.
create or replace macro is_unit_slip(filed_cny, wanted_cny) as
    filed_cny >= 10 and (abs(filed_cny::decimal(38, 2) * 10000 - wanted_cny) <= 50
                         or abs(filed_cny::decimal(38, 2) * 100000000 - wanted_cny) <= 500000)
    or wanted_cny > 0 and filed_cny in (wanted_cny::decimal(38, 2) * 10000, wanted_cny::decimal(38, 2) * 100000000);
create or replace macro unit_slip(field, filed_cny, wanted_cny) as
    case when is_unit_slip(filed_cny, wanted_cny) then field || '=' || wanted_cny end;
-- A printed amount that says its unit in Chinese: a percentage or a billion may be the newspaper's own slip.
create or replace macro printed_cny(printed) as
    case when regexp_matches(printed, '[元万亿]') then printed_value(printed)::decimal(18, 2) end;
-- Principal + interest = total, and total + fees = claim: the one cell that, mended, makes both hold.
create or replace macro total_mended(principal, interest, total, fees, claim) as
    case when claim + interest = total and total + coalesce(fees, 0) = principal and claim <> principal
         then 'principal_cny=' || claim || ';claim_total_cny=' || principal
         else the_only([unit_slip('principal_cny', principal, total - interest),
                        unit_slip('interest_cny', interest, total - principal),
                        unit_slip('principal_interest_cny', total, principal + interest),
                        case when principal + interest + fees = claim then 'principal_interest_cny=' || (principal + interest) end]) end;
create or replace macro claim_mended(total, fees, claim) as
    the_only([unit_slip('claim_total_cny', claim, total + coalesce(fees, 0)),
              unit_slip('other_fees_cny', fees, claim - total),
              unit_slip('principal_interest_cny', total, claim - coalesce(fees, 0))]);
-- A ratio of six places that was written as a percentage.
create or replace macro ratio_of_percent(ratio, part, whole) as
    case when abs(ratio / 100 - part / nullif(whole, 0)) <= 0.00005 and ratio > 0.1 then round(part / whole, 6)::decimal(9, 6) end;
-- A social credit code in other letters than its own (small, full-width, I for 1, O for 0, S for 5, Z for 2) that is then
-- valid; or with the check character that its first 17 signs give, unless its last two are just the wrong way round.
create or replace macro uscc_letters(code) as
    translate(upper(translate(regexp_replace(code, '[\s\x{A0}\x{3000}-]', '', 'g'),
        '０１２３４５６７８９ＡＢＣＤＥＦＧＨＪＫＬＭＮＰＱＲＴＵＷＸＹ', '0123456789ABCDEFGHJKLMNPQRTUWXY')), 'IOSZ', '1052');
create or replace macro uscc_meant(code) as
    case when is_valid_uscc(uscc_letters(code)) then uscc_letters(code)
         when length(code) = 18 and uscc_check_character(code) is not null
              and not is_valid_uscc(left(code, 16) || right(code, 1) || substr(code, 17, 1))
         then left(code, 17) || uscc_check_character(code) end;
-- Two notices of one package: on one cut-off date (the same when not printed) the figures are the same but for their
-- printed rounding, and a thousandth of claims or a hundredth of days; between two dates loans are repaid or taken out.
create or replace macro is_other_cutoff(cutoff_date, earlier) as coalesce(cutoff_date <> earlier['cutoff_date'], false);
create or replace macro claim_tolerance(cutoff_date, earlier) as case when is_other_cutoff(cutoff_date, earlier) then 0.05 else 0.001 end;
create or replace macro claim_rounding(amount_precision, amounts) as
    greatest(rounding(amount_precision, amounts, 'principal_interest_cny'), rounding(amount_precision, amounts, 'claim_total_cny'));
create or replace macro claims_agree(claim, slack, cutoff_date, earlier) as
    abs(claim - earlier['claim_cny']) <= claim_tolerance(cutoff_date, earlier) * earlier['claim_cny'] + slack + earlier['slack_cny'];
create or replace macro days_moved(cutoff_date, earlier) as coalesce(cutoff_date - earlier['cutoff_date'], 0);
create or replace macro days_agree(days, cutoff_date, earlier) as
    abs(days - earlier['days'] - days_moved(cutoff_date, earlier))
    <= case when is_other_cutoff(cutoff_date, earlier) then greatest(0.05 * days, 60) else greatest(0.01 * days, 5) end;
-- A securitisation by its name: its issue is no transfer of loans.
create or replace macro names_securities(name) as
    coalesce(regexp_matches(name, '资产支持证券|资产支持票据|资产证券化|(?:^|[^A-Za-z])ABS(?:[^A-Za-z]|$)'), false);
