{# Where the values of a factor are, in some replicas, `count` from `first` on: the array
   itself, or memory to compute them into. #}
{% macro memory(factor, name, slot, first="0", count="_replicas") %}
{% if factor.array is not none %}
const _real* const {{name}} = {{get_array_name(factor.array)}} + {{first}} * {{factor.n}};
{% else %}
_real* const {{name}} = neuro_ep::scratch<_real>({{slot}}, {{count}} * {{factor.n}});
{% endif %}
{% endmacro %}

{# A factor as a pointer to its values, computed where it is no array. #}
{% macro vector(factor, name, slot, first="0", count="_replicas") %}
{{memory(factor, name, slot, first, count)}}
{% if factor.array is none %}
{{fill(factor, name, "neuro_ep::Share{0, " ~ count ~ " * " ~ factor.n ~ "}", first=first)}}
{% endif %}
{% endmacro %}

{# Compute a share of a factor into the memory that a name points to, times a scale; or
   add it. #}
{% macro fill(factor, name, share, scale="", assign="=", first="0") %}
{
    const neuro_ep::Share _share = {{share}};
    {% if factor.array is none %}
    const size_t _vectorisation_idx = -1;
    {{scalar_code[factor.block]|autoindent}}
    {% endif %}
    #pragma omp simd
    for (int _k = _share.first; _k < _share.last; _k++)
    {
        {% if factor.array is not none %}
        {{name}}[_k] {{assign}} {{scale}}{{get_array_name(factor.array)}}[{{first}} * {{factor.n}} + _k];
        {% else %}
        const int {{factor.index}} = {{first}} * {{factor.n}} + _k;
        const size_t _vectorisation_idx = {{factor.index}};
        {{vector_code[factor.block]|autoindent}}
        {{name}}[_k] {{assign}} {{scale}}_factor;
        {% endif %}
    }
}
{% endmacro %}

{# What a held source keeps, as one object. #}
{% macro keep(kept) %}
neuro_ep::Held<{{c_data_type(scalar)}}> _held = {
    {% for name in ("_held_source", "_held_current", "_held_pending", "_held_gram", "_held_flags") %}
    {{get_array_name(kept[name])}},
    {% endfor %}
    {{replicas}}, {{_n_pre}}, {{_n_post}}};
{% endmacro %}
