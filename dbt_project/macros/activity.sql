{#- The additive measures of market activity over rows of int_market_events: name -> SQL. Each is defined here and nowhere
    else; a name that ends in `_count` counts, any other is money. -#}
{% macro activity_measures() -%}
    {%- do return({
        'listed_count': count_where("event = 'listed'"),
        'listed_claim_cny': money_sum("case when event = 'listed' then claim_cny end"),
        'listed_without_claim_count': count_where("event = 'listed' and claim_cny is null"),
        'listed_claim_other_basis_cny':
            money_sum("case when event = 'listed' and claim_basis = 'claim_total' then claim_cny end"),
        'listed_principal_cny': money_sum("case when event = 'listed' then principal_cny end"),
        'first_listing_unobserved_count': count_where("event = 'listed' and not is_first_listing_observed"),
        'teaser_only_count': count_where("event = 'teased'"),
        'teaser_only_claim_cny': money_sum("case when event = 'teased' then claim_cny end"),
        'completed_count': count_where("event = 'completed'"),
        'completed_claim_cny': money_sum("case when event = 'completed' then claim_cny end"),
        'completed_without_claim_count': count_where("event = 'completed' and claim_cny is null"),
        'completed_principal_cny': money_sum("case when event = 'completed' then principal_cny end"),
        'priced_count': count_where("price_cny is not null"),
        'price_cny': money_sum("price_cny"),
        'discount_price_cny': money_sum("case when claim_cny is not null then price_cny end"),
        'priced_claim_cny': money_sum("case when price_cny is not null then claim_cny end"),
        'priced_claim_other_basis_cny':
            money_sum("case when price_cny is not null and claim_basis = 'claim_total' then claim_cny end"),
        'recovery_price_cny': money_sum("case when principal_cny is not null then price_cny end"),
        'priced_principal_cny': money_sum("case when price_cny is not null then principal_cny end"),
        'demo_count': 'cast(count(distinct case when is_demo then package_id end) as bigint)',
        'demo_listed_count': count_where("is_demo and event = 'listed'"),
        'demo_listed_claim_cny': money_sum("case when is_demo and event = 'listed' then claim_cny end"),
        'demo_completed_count': count_where("is_demo and event = 'completed'"),
        'demo_completed_claim_cny': money_sum("case when is_demo and event = 'completed' then claim_cny end"),
    }) -%}
{%- endmacro %}

{#- A measure of finer rows added up, in the type that it has there. -#}
{% macro added_up(measure) -%}
    cast(coalesce(sum({{ measure }}), 0) as {{ 'bigint' if measure.endswith('_count') else 'decimal(28,2)' }})
{%- endmacro %}

{#- What a package or an event of it is told apart by; all are properties of the package. -#}
{% macro activity_breakdowns() -%}
    {%- do return(['business', 'seller_type', 'buyer_type', 'asset_type', 'province', 'overdue_band']) -%}
{%- endmacro %}

{#- The code list that a breakdown's values belong to. -#}
{% macro breakdown_list(breakdown) -%}
    case when {{ breakdown }} in ('seller_type', 'buyer_type') then 'institution_type' else {{ breakdown }} end
{%- endmacro %}

{#- Each row of a relation with a `quarter` once for each kind of period: what is known by year only (2025Q?) counts in the
    year and under its own name among the quarters, so that quarters add up to years. -#}
{% macro in_periods(relation, kinds) -%}
    {%- set periods = {'quarter': 'quarter', 'year': 'substr(quarter, 1, 4)', 'all': "'all'"} -%}
    {% for kind in kinds -%}
    select
        {{ relation }}.*,
        '{{ kind }}' as period_kind,
        {{ periods[kind] }} as period
    from {{ relation }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
{%- endmacro %}

{#- Each row of a relation twice: under `all` and under its own value of a column, as `<name>`. -#}
{% macro with_all(relation, column, name) -%}
    select
        {{ relation }}.*,
        'all' as {{ name }}
    from {{ relation }}
    union all
    select
        {{ relation }}.*,
        {{ column }} as {{ name }}
    from {{ relation }}
{%- endmacro %}
