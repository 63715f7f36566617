{# A factor as a pointer to its values in some replicas, `count` from `first` on: an
   array, or computed into one. #}
{% macro vector(factor, name, slot, first="0", count="_replicas") %}
{% if factor.array is not none %}
const real* {{name}} = {{get_array_name(factor.array)}} + {{first}} * {{factor.n}};
{% else %}
real* {{name}} = neuro_ep::scratch<real>({{slot}}, {{count}} * {{factor.n}});
{{fill(factor, name, first=first, count=count)}}
{% endif %}
{% endmacro %}

{# Compute a factor into the memory that a name points to, times a scale; or add it. #}
{% macro fill(factor, name, scale="", assign="=", first="0", count="_replicas") %}
{% set from = first ~ " * " ~ factor.n %}
{% if factor.array is not none %}
for (int _k = 0; _k < {{count}} * {{factor.n}}; _k++)
    {{name}}[_k] {{assign}} {{scale}}{{get_array_name(factor.array)}}[{{from}} + _k];
{% else %}
{
    const size_t _vectorisation_idx = -1;
    {{scalar_code[factor.block]|autoindent}}
    for (int {{factor.index}} = {{from}}; {{factor.index}} < ({{first}} + {{count}}) * {{factor.n}}; {{factor.index}}++)
    {
        const size_t _vectorisation_idx = {{factor.index}};
        {{vector_code[factor.block]|autoindent}}
        {{name}}[{{factor.index}} - {{from}}] {{assign}} {{scale}}_factor;
    }
}
{% endif %}
{% endmacro %}

{# What a held source keeps, as one object. #}
{% macro keep(kept) %}
neuro_ep::Held<{{c_data_type(scalar)}}> _held = {
    {% for name in ("_held_source", "_held_current", "_held_pending", "_held_gram", "_held_flags") %}
    {{get_array_name(kept[name])}},
    {% endfor %}
    {{replicas}}, {{n_pre}}, {{n_post}}};
{% endmacro %}
